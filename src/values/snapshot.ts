import { describeType, InvalidOptionError } from './errors.ts'

/** An instant of the database, opaque. Programs may store it and send it as JSON. */
export type CacheSnapshot = string & { readonly __snapshot: never }

/** Before everything. A value that is stored with it is older than any invalidation. */
export const OLDEST_SNAPSHOT = '1:1:' as CacheSnapshot

const SNAPSHOT = /^\d{1,20}:\d{1,20}:[\d,]*$/

/** The result of `snapshot()`, or null without one. @throws InvalidOptionError */
export function checkedSnapshot(asOf: CacheSnapshot | undefined): string | null {
  if (asOf === undefined) return null
  if (typeof asOf === 'string' && SNAPSHOT.test(asOf)) return asOf
  throw new InvalidOptionError(`Expected asOf to be a result of snapshot(), got ${describeType(asOf)}.`)
}
