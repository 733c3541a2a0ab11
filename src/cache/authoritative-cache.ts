/** A check for adapters whose entries are no copies: sessions, tokens and limits of sign-ins. */
import type { Cache } from '../cache.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { checkedCache } from './checked-cache.ts'
import { engineOf } from './engine.ts'

/**
 * Returns the same cache if an answer "absent" means that the entry is absent, and a removal is seen by everyone at once.
 *
 * The nodes of a sharded cache are not checked.
 *
 * @param what the name of the argument, for the message
 * @throws InvalidOptionError for a cache with `onError: 'miss'`, and for one that answers from a first tier
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
      `Expected ${what} to be a cache without a first tier, whose copies would keep revoked sessions valid. Pass its l2.`,
    )
  }
  return checked
}
