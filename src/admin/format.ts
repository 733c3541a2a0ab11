/** Formats numbers, spans and texts for people. */

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const
const KILO = 1_024
const SPANS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

export const count = (value: number): string => COUNT.format(value)
export const short = (value: number): string => SHORT.format(value)
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** `1 entry`, `2 entries`. */
export function formatCount(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

export function bytes(value: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log(value) / Math.log(KILO)))
  const scaled = value / KILO ** power
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${BYTE_UNITS[power]}`
}

/** Formats a span in its largest unit: `3 min`, `1.5 d`. Below a second, it uses milliseconds. */
export function span(ms: number): string {
  const [unit, length] = SPANS.find(([, length]) => ms >= length) ?? ['ms', 1]
  const scaled = ms / length
  return `${scaled >= 10 || unit === 'ms' ? Math.round(scaled) : Number(scaled.toFixed(1))} ${unit}`
}

/** Formats a deadline relative to the database's clock. */
export function deadline(expiresAt: number | null, now: number): string {
  if (expiresAt === null) return 'never'
  return expiresAt > now ? `in ${span(expiresAt - now)}` : `${span(now - expiresAt)} ago`
}

/** `2026-11-25 08:30:00`, in UTC. */
export const instant = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')

/**
 * Control characters, marks that change the direction of text, and invisible characters. Does not match characters that
 * join their neighbours, which emoji and many scripts need.
 */
const INVISIBLE = /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const LAYOUT = new Set(['\n', '\t'])

/** Replaces characters that could make a text look like another text by their code points. */
export function escapeInvisible(text: string, keeps: 'nothing' | 'layout' = 'nothing'): string {
  return text.replace(INVISIBLE, (character) =>
    keeps === 'layout' && LAYOUT.has(character)
      ? character
      : `\\u{${character.codePointAt(0)?.toString(16).padStart(4, '0')}}`,
  )
}

/** Cuts a text to this length and adds an ellipsis. Never cuts a surrogate pair in half. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  return `${text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…`
}
