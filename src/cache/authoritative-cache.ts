/** Checks the cache of an adapter whose entries exist nowhere else: sessions, tokens and sign-in limits. */
import type { Cache } from '../cache.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { checkedCache } from './checked-cache.ts'
import { engineOf } from './engine.ts'

/**
 * Returns the same cache. Refuses a cache that can report an existing entry as absent, or a removed entry as live.
 *
 * It does not check the nodes of a sharded cache.
 *
 * @param what the name of the argument, for the message
 * @throws InvalidOptionError for a cache with `onError: 'miss'`, and for a cache with a first tier
 */
export function authoritativeCache(cache: unknown, what: string): Cache {
  const checked = checkedCache(cache, what)
  const engine = engineOf(checked)
  if (engine?.failsSoft === true) {
    throw new InvalidOptionError(
      `Expected ${what} to be a cache with onError: 'throw'. With 'miss', a short outage would end sessions.`,
    )
  }
  if (engine?.store.source !== undefined) {
    throw new InvalidOptionError(
      `Expected ${what} to be a cache without a first tier, because its copies would keep revoked sessions valid. Pass its l2.`,
    )
  }
  return checked
}
