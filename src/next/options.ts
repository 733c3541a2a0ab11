import type { Cache } from '../cache.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type Expiration, parsePeriod } from '../values/expiration.ts'

/** What both handlers take. */
export interface NextOptions {
  /**
   * How long an entry is kept after it was written, if Next does not say less. A positive span; a number is seconds. Default 30
   * days.
   *
   * Next's own lifetimes often have no end, and the keys of an old deployment are never read again. Cleanup removes entries
   * after this time. A page that is asked for after it is rendered anew. Revalidations are remembered for a day longer.
   */
  retention?: Expiration | undefined
}

export const DEFAULT_RETENTION = '30d'

/** @throws InvalidOptionError */
export function requireCache(cache: Cache): void {
  if (typeof cache?.getMany === 'function' && typeof cache.namespace === 'function') return
  throw new InvalidOptionError(`Expected a cache, got ${describeType(cache)}.`)
}

/** Milliseconds. @throws InvalidExpirationError */
export function retentionMs(retention: Expiration = DEFAULT_RETENTION): number {
  return parsePeriod(retention, 'retention', now())
}
