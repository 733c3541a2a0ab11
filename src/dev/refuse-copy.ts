import { PostgresFailure } from './backend.ts'

/**
 * Refuses `COPY … FROM STDIN` and `TO STDOUT`, because HTTP has no stream for them. Neon also fails.
 *
 * Without data from the client, PGlite's process ends, and a connection of `pg` waits forever.
 */
export function refuseCopy(sql: string): void {
  // Runs the cheap test first, because almost no statement matches it.
  if (!/\bcopy\b[^;]*\b(?:from\s+stdin|to\s+stdout)\b/i.test(sql)) return
  const isCopy = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*copy\b/i.test(sql)
  if (!isCopy) return
  throw new PostgresFailure({ message: 'COPY is not supported over HTTP', code: '0A000', severity: 'ERROR' })
}
