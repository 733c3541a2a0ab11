/** Implements `onError: 'miss'`: a store that absorbs failures, and answers with a stand-in instead. */

import { leaseIdentity } from '../store/lease-identity.ts'
import type { MaybePromise, Reply, Store } from '../store/store.ts'
import { takeCost } from '../values/errors.ts'
import { isOutage } from '../values/outage.ts'
import { type Circuit, countFailures, withCircuit } from './circuit.ts'

/**
 * The calls that are always tried, and reject if they fail: a stand-in would be a lie. Their failures count all the
 * same.
 */
const NEVER_SOFT = [
  'add',
  'count',
  'limit',
  'remove',
  'take',
  'clear',
  'sweep',
  'invalidate',
  'snapshot',
  'size',
  'stats',
  'list',
] as const

type Method = (...args: unknown[]) => MaybePromise<unknown>

/**
 * Returns the same store, which answers with a stand-in if it is unreachable.
 *
 * A reply with a stand-in has `failure`, so that the engine reports it. After several failures in a row that mean the
 * store cannot answer, the circuit opens, and these calls skip the store for a pause.
 */
export function failSoft<S extends Store>(store: S, circuit: Circuit): S {
  async function answerSoftly<T>(call: () => MaybePromise<Reply<T>>, standIn: T): Promise<Reply<T>> {
    try {
      return await withCircuit(circuit, call)
    } catch (error) {
      if (!isOutage(error)) throw error
      return { value: standIn, cost: takeCost(error), failure: error }
    }
  }
  const hardMethods = NEVER_SOFT.map((name) => {
    const call = store[name] as Method
    return [name, (...args: unknown[]) => countFailures(circuit, () => call(...args))]
  })
  return {
    ...store,
    ...Object.fromEntries(hardMethods),
    isLocal: false,
    leaseIdentity: (key) => leaseIdentity(store, key),
    read: (key, options) => answerSoftly(() => store.read(key, options), undefined),
    readMany: (keys, options) => answerSoftly(() => store.readMany(keys, options), new Map()),
    has: (key) => answerSoftly(() => store.has(key), false),
    deadline: (key) => answerSoftly(() => store.deadline(key), undefined),
    write: (items, input) => answerSoftly(() => store.write(items, input), 0),
    touch: (key, deadline) => answerSoftly(() => store.touch(key, deadline), false),
    // The filler sees the failure and computes without a lease.
    readOrClaim: (request) =>
      answerSoftly(() => store.readOrClaim(request), { entry: undefined, claimed: 'unavailable', heldMs: undefined }),
    // These reject. By then the filler has a value for its caller, and reports the failure itself.
    fill: (request) => withCircuit(circuit, () => store.fill(request)),
    release: (key, token, backoffMs) => withCircuit(circuit, () => store.release(key, token, backoffMs)),
  } satisfies Store as S
}
