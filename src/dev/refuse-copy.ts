import { PostgresFailure } from './backend.ts'

/**
 * Refuses `COPY … FROM STDIN` and `TO STDOUT`: HTTP has no stream for them, and Neon fails too.
 *
 * Reading from a client that sends nothing ends PGlite's process and leaves a connection of `pg` waiting for ever.
 */
export function refuseCopy(sql: string): void {
  // The cheap test first: nearly no statement passes it.
  if (!/\bcopy\b[^;]*\b(?:from\s+stdin|to\s+stdout)\b/i.test(sql)) return
  const isCopy = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*copy\b/i.test(sql)
  if (!isCopy) return
  throw new PostgresFailure({ message: 'COPY is not supported over HTTP', code: '0A000', severity: 'ERROR' })
}
