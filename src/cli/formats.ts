/** Figures as people read them. */
const NUMBER = new Intl.NumberFormat('en')
const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']

export function count(value: number): string {
  return NUMBER.format(value)
}

/** As Postgres's `pg_size_pretty`: units of 1,024. */
export function bytes(value: number): string {
  let unit = 0
  let rest = value
  for (; rest >= 1024 && unit < UNITS.length - 1; unit++) rest /= 1024
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${UNITS[unit]}`
}

export function entries(value: number): string {
  return `${count(value)} ${value === 1 ? 'entry' : 'entries'}`
}

/** The examples of a command, below its `--help`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`
}
