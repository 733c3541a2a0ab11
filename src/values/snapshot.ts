import { describeType, InvalidOptionError } from './errors.ts'

/** An instant of the database, opaque; may be kept and sent as JSON. */
export type CacheSnapshot = string & { readonly __snapshot: never }

/** Before everything: what is stored with it is made of data older than any invalidation. */
export const OLDEST_SNAPSHOT = '1:1:' as CacheSnapshot

const SNAPSHOT = /^\d{1,20}:\d{1,20}:[\d,]*$/

/** What `snapshot()` answered, or null for none. @throws InvalidOptionError */
export function checkedSnapshot(asOf: CacheSnapshot | undefined): string | null {
  if (asOf === undefined) return null
  if (typeof asOf === 'string' && SNAPSHOT.test(asOf)) return asOf
  throw new InvalidOptionError(`Expected asOf to be what snapshot() answered, got ${describeType(asOf)}.`)
}
