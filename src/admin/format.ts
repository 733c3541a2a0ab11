/** Numbers, spans and texts as people read them. */

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

export function bytes(value: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log(value) / Math.log(KILO)))
  const scaled = value / KILO ** power
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${BYTE_UNITS[power]}`
}

/** In its largest unit: `3 min`, `1.5 d`; below a second in milliseconds. */
export function span(ms: number): string {
  const [unit, length] = SPANS.find(([, length]) => ms >= length) ?? ['ms', 1]
  const scaled = ms / length
  return `${scaled >= 10 || unit === 'ms' ? Math.round(scaled) : Number(scaled.toFixed(1))} ${unit}`
}

/** When a deadline is, seen from the database's now. */
export function deadline(expiresAt: number | null, now: number): string {
  if (expiresAt === null) return 'never'
  return expiresAt > now ? `in ${span(expiresAt - now)}` : `${span(now - expiresAt)} ago`
}

/** `2026-11-25 08:30:00`, in UTC. */
export const instant = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')

/**
 * Controls, marks that turn the direction of what follows, and characters that nobody sees, but for those that join what
 * stands around them, in emoji and in many scripts.
 */
const INVISIBLE = /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const LAYOUT = new Set(['\n', '\t'])

/** A text without anything that could make it look like another: such characters as their numbers. */
export function visible(text: string, keeps: 'nothing' | 'layout' = 'nothing'): string {
  return text.replace(INVISIBLE, (character) =>
    keeps === 'layout' && LAYOUT.has(character)
      ? character
      : `\\u{${character.codePointAt(0)?.toString(16).padStart(4, '0')}}`,
  )
}

/** At most so many characters, and a sign that there were more. Never half a surrogate pair. */
export function shortened(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  return `${text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…`
}
