/** Bounds the wait for a store that does not answer. */

import { METHODS, OPTIONAL_METHODS } from '../store/checked-store.ts'
import { leaseIdentity } from '../store/lease-identity.ts'
import type { MaybePromise, Reply, Store } from '../store/store.ts'
import { DatabaseTimeoutError } from '../values/errors.ts'
import { withDeadline } from '../values/with-deadline.ts'

/** The calls without a timeout, because they may take many requests. */
const UNBOUNDED: ReadonlySet<string> = new Set<keyof Store>(['clear', 'sweep'])

type Call = (...args: unknown[]) => MaybePromise<Reply<unknown>>

/**
 * Returns the same store, whose calls reject with DatabaseTimeoutError if they take too long. The store's own call goes
 * on.
 */
export function withTimeout(store: Store, timeoutMs: number): Store {
  const names = METHODS.filter((name) => !UNBOUNDED.has(name) && !OPTIONAL_METHODS.has(name))
  const bounded = names.map((name) => {
    const call = store[name] as Call
    // Wrap the reply, because a store that wrongly replies with undefined must not look like a timeout.
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
