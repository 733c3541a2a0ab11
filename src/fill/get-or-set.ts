/**
 * `getOrSet` for every store. A call either leads or follows.
 *
 * A leader (`leader.ts`) asks the store for the entry or the lease, and computes if it gets the lease. A follower
 * (`follower.ts`) starts before the leader of its key has sent its request, and shares the result. The store alone
 * decides which call computes. Sharing within a process only saves round trips.
 */
import type { Fill, GetOrSetOptions } from '../cache.ts'
import { decodeRow } from '../store/decode-row.ts'
import { leaseIdentity } from '../store/lease-identity.ts'
import { readLocally } from '../store/read-local.ts'
import { now } from '../values/clock.ts'
import { ignoreRejection, onAbort } from '../values/promises.ts'
import {
  type Answer,
  type Call,
  createCalls,
  emit,
  type FillRequests,
  type FillSettings,
  toAnswer,
  withoutListing,
} from './calls.ts'
import { computeWithoutLease } from './compute.ts'
import { follow, waitForPending } from './follower.ts'
import { lead } from './leader.ts'
import { isNestedInItself, startComputation, wouldDeadlock } from './nesting.ts'
import { parseGetOrSet } from './options.ts'

/** For how many leases a call waits for others of its process. The first leader may be lost with its request. */
const MAX_LEASES = 2

export interface FillEngine {
  /**
   * Returns the stored value, or computes and stores it.
   *
   * @param name the caller's key
   * @param key the key as it is stored
   */
  getOrSet(name: string, key: string, compute: unknown, options?: GetOrSetOptions): Promise<Answer>
  /** Computes although an entry is live, and stores the value unless a write overtakes it. */
  refresh(name: string, key: string, compute: unknown, options?: GetOrSetOptions): Promise<Answer>
  /** Call this after each write of the keys, so that later calls do not wait for values that are outdated. */
  detach(keys: readonly string[] | 'all'): void
}

export function createFillEngine(store: FillRequests, settings: FillSettings): FillEngine {
  const calls = createCalls()

  function startCall(
    name: string,
    key: string,
    compute: unknown,
    given: GetOrSetOptions | undefined,
    isRefresh: boolean,
  ): Call {
    ignoreRejection(compute)
    const options = parseGetOrSet(given, settings)
    options.signal?.throwIfAborted()
    return {
      name,
      key,
      options,
      isRefresh,
      settings,
      store,
      compute: typeof compute === 'function' ? (compute as (fill: Fill) => unknown) : () => compute,
      waitUntil: options.waitUntil ?? settings.waitUntil,
      computation: startComputation(...leaseIdentity(store, key)),
      waitsUntil: 0,
      hasLostLeader: false,
      leaderFailures: 0,
    }
  }

  async function answer(call: Call, local: Promise<Answer | undefined> | undefined): Promise<Answer> {
    const own = await local
    if (own !== undefined) return own
    call.waitsUntil = now() + MAX_LEASES * call.options.leaseMs
    for (;;) {
      const pending = calls.findPending(call)
      if (pending !== undefined) {
        if (wouldDeadlock(call.computation, pending.call.computation)) return answerWithoutLease(call)
        await waitForPending(call, pending)
      }
      const leader = calls.findCollecting(call)
      if (leader === undefined) return toAnswer(await lead(call, calls).outcome)
      if (wouldDeadlock(call.computation, leader.call.computation)) return answerWithoutLease(call)
      const shared = await follow(call, leader)
      if (shared === 'without lease') return answerWithoutLease(call)
      if (shared !== 'again') return shared
    }
  }

  async function answerRefresh(call: Call): Promise<Answer> {
    if (isNestedInItself(call.computation)) return answerWithoutLease(call)
    return toAnswer(await lead(call, withoutListing(calls)).outcome)
  }

  return {
    detach: calls.detach,
    async getOrSet(name, key, compute, options) {
      const call = startCall(name, key, compute, options, false)
      const { signal } = call.options
      // A computation that needs its own key would otherwise wait for itself.
      if (isNestedInItself(call.computation)) return untilAborted(signal, answerWithoutLease(call))
      const local = answerLocally(call)
      // Return without another promise: it would take as long as the rest of a hit in memory.
      if (local !== undefined && !(local instanceof Promise)) return local
      return untilAborted(signal, answer(call, local))
    },
    async refresh(name, key, compute, options) {
      const call = startCall(name, key, compute, options, true)
      return untilAborted(call.options.signal, answerRefresh(call))
    },
  }
}

/** Answers a hit without a request, if the store can. Sliding and early refreshes need `readOrClaim`. */
function answerLocally(call: Call): Answer | Promise<Answer | undefined> | undefined {
  const { sliding, beta } = call.options
  const row = sliding === undefined && beta === 0 ? readLocally(call.store, call.key) : undefined
  if (row === undefined) return undefined
  const startedAt = call.settings.emit === undefined ? 0 : now()
  const answerWith = (value: unknown): Answer => {
    if (call.settings.emit !== undefined) emit(call, { type: 'hit', count: 1, durationMs: now() - startedAt })
    return { value, isOwn: false }
  }
  const value = decodeRow(row, call.key, call.settings.codec)
  // If the entry cannot be decoded, leave it to the leader, which reports it and computes it again.
  return value instanceof Promise ? value.then(answerWith, () => undefined) : answerWith(value)
}

async function answerWithoutLease(call: Call): Promise<Answer> {
  emit(call, { type: 'miss', count: 1, durationMs: 0 })
  return toAnswer(await computeWithoutLease(call))
}

/** Awaits the work, but rejects with the signal's reason as soon as the signal aborts. The work goes on for others. */
async function untilAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    stop()
  }
}
