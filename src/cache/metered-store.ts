/** The counts of `withMetrics`, and a store that counts its own calls. */
import { METHODS, OPTIONAL_METHODS } from '../store/checked-store.ts'
import { leaseIdentity } from '../store/lease-identity.ts'
import type { MaybePromise, Reply, Store } from '../store/store.ts'

export interface Counts {
  hits: number
  misses: number
  errors: number
}

type Method = (...args: unknown[]) => unknown

/**
 * Returns the same store, with its reads counted. A tier or a shard calls the store in place of the cache's methods.
 */
export function meteredStore(store: Store, counts: Counts): Store {
  const countLookups = async <T>(
    found: (value: T) => [hits: number, keys: number],
    run: () => MaybePromise<Reply<T>>,
  ) => {
    const reply = await countError(counts, async () => run())
    const [hits, keys] = found(reply.value)
    counts.hits += hits
    counts.misses += keys - hits
    return reply
  }
  const one = (row: unknown): [number, number] => [row === undefined ? 0 : 1, 1]
  const calls = METHODS.filter((name) => !OPTIONAL_METHODS.has(name)).map((name) => {
    const call = store[name] as Method
    return [name, (...args: unknown[]) => countError(counts, async () => call(...args))]
  })
  // `readLocal` would bypass the counts.
  const { readLocal: _, ...rest } = store
  return {
    ...rest,
    ...Object.fromEntries(calls),
    isLocal: false,
    leaseIdentity: (key) => leaseIdentity(store, key),
    read: (...args) => countLookups(one, () => store.read(...args)),
    readMany: (keys, options) =>
      countLookups(
        ({ size }) => [size, keys.length],
        () => store.readMany(keys, options),
      ),
    take: (key) => countLookups(one, () => store.take(key)),
    // A call that waits for another call's computation asks repeatedly. Only the final answer counts.
    readOrClaim: (request) =>
      countLookups(
        ({ entry, claimed }) => (entry !== undefined ? [1, 1] : claimed === false ? [0, 0] : [0, 1]),
        () => store.readOrClaim(request),
      ),
  }
}

/** Runs a call, and counts its rejection. */
export async function countError<T>(counts: Counts, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    counts.errors++
    throw error
  }
}
