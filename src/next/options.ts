import type { Cache } from '../cache.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type Expiration, parsePeriod } from '../values/expiration.ts'

/** The options of both handlers. */
export interface NextOptions {
  /**
   * How long an entry is kept after it was written, unless Next's own lifetime is shorter. A positive span; a number is
   * seconds. Default 30 days.
   *
   * Next's own lifetimes often have no end, and the keys of an old deployment are never read again. Cleanup removes
   * entries after this time. Next then renders a page again on its next request. Revalidations are kept for one day
   * longer.
   */
  retention?: Expiration | undefined
}

export const DEFAULT_RETENTION = '30d'

/** @throws InvalidOptionError */
export function requireCache(cache: Cache): void {
  if (typeof cache?.getMany === 'function' && typeof cache.namespace === 'function') return
  throw new InvalidOptionError(`Expected a cache, got ${describeType(cache)}.`)
}

/** Returns milliseconds. @throws InvalidExpirationError */
export function retentionMs(retention: Expiration = DEFAULT_RETENTION): number {
  return parsePeriod(retention, 'retention', now())
}
