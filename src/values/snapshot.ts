/** Snapshots: the instants of a store that `snapshot()` returns and `asOf` takes. */
import { describeType, InvalidOptionError } from './errors.ts'

/** An opaque instant of the database. Programs may store it and send it as JSON. */
export type CacheSnapshot = string & { readonly __snapshot: never }

/** The snapshot before all others. A value that is stored with it is older than any invalidation. */
export const OLDEST_SNAPSHOT = '1:1:' as CacheSnapshot

const SNAPSHOT = /^\d{1,20}:\d{1,20}:[\d,]*$/

/** Checks a result of `snapshot()`. Returns null for undefined. @throws InvalidOptionError */
export function checkedSnapshot(asOf: CacheSnapshot | undefined): string | null {
  if (asOf === undefined) return null
  if (typeof asOf === 'string' && SNAPSHOT.test(asOf)) return asOf
  throw new InvalidOptionError(`Expected asOf to be a result of snapshot(), got ${describeType(asOf)}.`)
}

/** The common form of snapshots. A store without Postgres puts its id in the place of the list of transactions. */
const OWN = /^(\d+):\d+:(\d+)$/
/** The position before all others, for a snapshot of another store. */
const OLDEST_POSITION = -1

/**
 * Makes a snapshot of a store that numbers its invalidations.
 *
 * @param position the number of the last invalidation, 0 if there was none
 * @param storeId random digits that are kept with the log, so that snapshots of another store are recognised
 * @example
 * formatSnapshot(7, '8141592653589793') // '7:7:8141592653589793'
 */
export function formatSnapshot(position: number, storeId: string): string {
  return `${position}:${position}:${storeId}`
}

/**
 * Returns the position of a snapshot. It is -1, before everything, if another store made the snapshot.
 *
 * @example
 * parseSnapshot('7:7:8141592653589793', '8141592653589793') // 7
 * parseSnapshot('7:7:8141592653589793', '2718281828459045') // -1
 */
export function parseSnapshot(snapshot: string, storeId: string): number {
  const [, position, from] = OWN.exec(snapshot) ?? []
  return from === storeId ? Number(position) : OLDEST_POSITION
}
