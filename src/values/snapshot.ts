/** Snapshots: instants of a store, as callers of `snapshot()` and `asOf` see them. */
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

/** The form that every store takes, with a store's own number where Postgres lists transactions. */
const OWN = /^(\d+):\d+:(\d+)$/
/** Before every position: of a snapshot that says nothing about this store. */
const OLDEST_POSITION = -1

/**
 * The snapshot of a store that numbers its invalidations.
 *
 * @param position of the last invalidation, 0 if there was none
 * @param storeId digits, random and kept with the log, so that the snapshots of another store are recognised
 */
export function formatSnapshot(position: number, storeId: string): string {
  return `${position}:${position}:${storeId}`
}

/** The position of such a snapshot. It is -1, older than everything, if another store made the snapshot. */
export function parseSnapshot(snapshot: string, storeId: string): number {
  const [, position, from] = OWN.exec(snapshot) ?? []
  return from === storeId ? Number(position) : OLDEST_POSITION
}
