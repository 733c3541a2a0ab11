/** Formats figures for people. */
const NUMBER = new Intl.NumberFormat('en')
const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']

export function number(value: number): string {
  return NUMBER.format(value)
}

export function formatCount(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** Formats a span in its largest unit: `3 days`, `5 hours`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return formatCount(seconds, 'second')
  if (seconds < 7_200) return formatCount(Math.round(seconds / 60), 'minute')
  if (seconds < 172_800) return formatCount(Math.round(seconds / 3_600), 'hour')
  return formatCount(Math.round(seconds / 86_400), 'day')
}

/** Formats bytes like Postgres's `pg_size_pretty`, in units of 1,024. */
export function bytes(value: number): string {
  let unit = 0
  let rest = value
  for (; rest >= 1024 && unit < UNITS.length - 1; unit++) rest /= 1024
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${UNITS[unit]}`
}
