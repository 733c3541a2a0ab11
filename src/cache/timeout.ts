/** Ends the wait for a store that does not answer. */

import { METHODS, OPTIONAL_METHODS } from '../store/checked-store.ts'
import { leaseIdentity } from '../store/lease-identity.ts'
import type { MaybePromise, Reply, Store } from '../store/store.ts'
import { DatabaseTimeoutError } from '../values/errors.ts'
import { withDeadline } from '../values/with-deadline.ts'

/** These may take many requests, so they have no timeout. */
const UNBOUNDED: ReadonlySet<string> = new Set<keyof Store>(['clear', 'sweep'])

type Call = (...args: unknown[]) => MaybePromise<Reply<unknown>>

/** The same store, whose calls reject with DatabaseTimeoutError if they take too long. An abandoned call goes on. */
export function withTimeout(store: Store, timeoutMs: number): Store {
  const names = METHODS.filter((name) => !UNBOUNDED.has(name) && !OPTIONAL_METHODS.has(name))
  const bounded = names.map((name) => {
    const call = store[name] as Call
    // An answer of undefined, which is a bug of the store, must not look like a timeout.
    const answer = async (args: unknown[]) => ({ reply: await call(...args) })
    return [
      name,
      async (...args: unknown[]) => {
        const answered = await withDeadline(timeoutMs, answer(args))
        if (answered === undefined) throw new DatabaseTimeoutError(timeoutMs)
        return answered.reply
      },
    ]
  })
  return { ...store, ...Object.fromEntries(bounded), leaseIdentity: (key) => leaseIdentity(store, key) }
}
