/**
 * The leader of a key asks the store, for its own caller and for its followers.
 *
 * The store answers with the entry, grants the lease, or reports that another process holds it. Accordingly, the leader
 * returns the entry, computes, or waits and asks again.
 */
import type { FoundEntry } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import { decodeValue } from '../values/codec.ts'
import { InvalidOptionError, takeCost } from '../values/errors.ts'
import { addCosts, noCost } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { leaseToken } from '../values/lease-token.ts'
import { withDeadline } from '../values/with-deadline.ts'
import {
  type Call,
  type Calls,
  type ClaimResult,
  emit,
  emitError,
  keepAlive,
  type Leader,
  type Outcome,
} from './calls.ts'
import { computeUnderLease, computeWithoutLease } from './compute.ts'
import { earlyFactor } from './options.ts'
import { startWait, type Wait } from './wait.ts'

/** An entry that can be decoded. */
interface ReadableEntry {
  readonly state: 'live' | 'stale'
  readonly outcome: Outcome & { readonly kind: 'value' }
  /** When the value becomes too old for this caller. */
  readonly servableUntil: number
}

/** Starts a leader. It sends its request at the end of this microtask turn. Until then other calls can join it. */
export function lead(call: Call, calls: Calls): Leader {
  const startedAt = now()

  async function askFirst(): Promise<ClaimResult> {
    await null
    calls.stopCollecting(leader)
    return readOrClaim(leader)
  }
  async function end(): Promise<Outcome> {
    const first = await firstResult
    try {
      return await conclude(leader, first)
    } catch (error) {
      return { kind: 'failed', error, by: 'store' }
    } finally {
      calls.remove(leader)
    }
  }

  const firstResult = askFirst()
  const leader: Leader = {
    call,
    calls,
    token: leaseToken(call.options.leaseMs),
    startedAt,
    unreportedCost: noCost(),
    awaitedUntil: startedAt + call.options.leaseMs,
    firstResult,
    outcome: end(),
  }
  calls.startCollecting(leader)
  // Keep the request alive until the claim settles. If the client disconnected earlier, the lease would block everyone.
  keepAlive(call, firstResult)
  return leader
}

/** Asks the store until there is an outcome, starting from the first result. */
async function conclude(leader: Leader, first: ClaimResult): Promise<Outcome> {
  let wait: Wait | undefined
  for (let result = first; ; result = await readOrClaim(leader)) {
    const found = await openEntry(leader, result)
    if (found.kind === 'failed') return endFailed(leader, found)
    const { entry, claimed, heldMs } = found
    if (claimed === true) {
      wait?.emitEnd('took over')
      return entry === undefined ? computeMissing(leader) : refreshEntry(leader, entry)
    }
    if (entry !== undefined) {
      wait?.emitEnd('filled')
      emitLookup(leader, entry.state === 'live' ? 'hit' : 'stale')
      return entry.outcome
    }
    if (claimed === 'unavailable') return computeUnshared(leader)
    wait ??= startWait(leader)
    if (!(await wait.pause(heldMs))) {
      wait.emitEnd('gave up')
      return computeShared(leader)
    }
  }
}

/** Asks the store. Never rejects. @param force claims the lease although an entry is live */
async function readOrClaim(leader: Leader, force = leader.call.isRefresh): Promise<ClaimResult> {
  const { call, token } = leader
  const { leaseMs, staleMs, sliding, beta } = call.options
  try {
    const early = beta === 0 ? 0 : earlyFactor(beta, call.settings.random())
    const request = { key: call.key, token, leaseMs, staleMs, early, force, sliding }
    const { value, cost, failure } = await call.store.readOrClaim(request)
    leader.unreportedCost = addCosts(leader.unreportedCost, cost)
    if (failure !== undefined) return { kind: 'failed', error: failure, isSoft: true }
    return { kind: 'answered', answer: value }
  } catch (error) {
    leader.unreportedCost = addCosts(leader.unreportedCost, takeCost(error))
    return { kind: 'failed', error, isSoft: false }
  }
}

/** Decodes the entry of a result. If that fails, claims the lease, as if the entry were absent. */
async function openEntry(leader: Leader, result: ClaimResult) {
  if (result.kind === 'failed') return result
  let { answer } = result
  let entry = await decodeEntry(leader.call, answer.entry)
  if (answer.entry !== undefined && entry === undefined && !answer.claimed) {
    const forced = await readOrClaim(leader, true)
    if (forced.kind === 'failed') return forced
    answer = forced.answer
    entry = await decodeEntry(leader.call, answer.entry)
  }
  const { claimed, heldMs } = answer
  // Only a computed value answers a refresh.
  return { kind: 'answered', entry: leader.call.isRefresh ? undefined : entry, claimed, heldMs } as const
}

async function decodeEntry(call: Call, entry: FoundEntry | undefined): Promise<ReadableEntry | undefined> {
  if (entry === undefined) return undefined
  const startedAt = now()
  const { state, servableMs = Number.POSITIVE_INFINITY } = entry
  const stored = { value: entry.value, number: entry.number }
  try {
    const value = await decodeValue(stored, call.key, call.settings.codec)
    return {
      outcome: { kind: 'value', stored, value, isComputed: false },
      state,
      servableUntil: startedAt + servableMs,
    }
  } catch (error) {
    emitError(call, error, startedAt)
    return undefined
  }
}

async function endFailed(leader: Leader, { error, isSoft }: ClaimResult & { kind: 'failed' }): Promise<Outcome> {
  if (isStoreFailure(error)) {
    emitError(leader.call, error, leader.startedAt, leader.unreportedCost)
    leader.unreportedCost = noCost()
  }
  return isSoft ? computeShared(leader) : { kind: 'failed', error, by: 'store' }
}

/**
 * False for a framework's signal and for invalid options. Neither is reported, and `onError: 'miss'` does not apply to
 * them.
 */
export function isStoreFailure(error: unknown): boolean {
  return !isFrameworkSignal(error) && !(error instanceof InvalidOptionError)
}

/** Computes a missing value under the lease. */
async function computeMissing(leader: Leader): Promise<Outcome> {
  const { call, calls, token } = leader
  calls.setPending(leader, now() + call.options.leaseMs, true)
  emitLookup(leader, 'miss')
  const computed = computeUnderLease(call, token)
  // Others wait for the value, so keep computing even if this client disconnects.
  keepAlive(call, computed)
  return computed
}

/** Refreshes a stale value, or a value that is due for an early refresh, under the lease. */
async function refreshEntry(leader: Leader, { outcome, state, servableUntil }: ReadableEntry): Promise<Outcome> {
  const { call, token } = leader
  const lookup = state === 'live' ? 'hit' : 'stale'
  const computed = computeUnderLease(call, token, call.options.backoffMs)
  keepAlive(call, computed)
  const inTime = await untilSoftTimeout(call, computed)
  if (inTime === undefined && (call.options.softTimeoutMs === undefined || now() < servableUntil)) {
    emitLookup(leader, lookup)
    return outcome
  }
  // During the wait, the old value may have become too old.
  const fresh = inTime ?? (await computed)
  const isOldServable = fresh.kind === 'failed' && now() < servableUntil
  emitLookup(leader, isOldServable ? lookup : 'miss')
  return isOldServable ? outcome : fresh
}

/** Waits for the outcome of a refresh. Returns undefined if the caller stops waiting first. */
async function untilSoftTimeout(call: Call, computed: Promise<Outcome>): Promise<Outcome | undefined> {
  const { softTimeoutMs } = call.options
  if (softTimeoutMs !== undefined) return softTimeoutMs === 0 ? undefined : withDeadline(softTimeoutMs, computed)
  // Without `waitUntil` nothing keeps background work alive, so the caller waits for the new value.
  return call.waitUntil === undefined ? computed : undefined
}

/** Computes without a lease. The followers share the value. */
async function computeShared(leader: Leader): Promise<Outcome> {
  leader.calls.setPending(leader, leader.awaitedUntil)
  emitLookup(leader, 'miss')
  return computeWithoutLease(leader.call)
}

/** Computes for the leader only. The store grants no leases, because of a transaction, or because it stores nothing. */
async function computeUnshared(leader: Leader): Promise<Outcome> {
  emitLookup(leader, 'miss')
  const outcome = await computeWithoutLease(leader.call)
  if (outcome.kind === 'absent') return { kind: 'unshared', value: undefined }
  return outcome.kind === 'value' ? { kind: 'unshared', value: outcome.value } : outcome
}

function emitLookup({ call, startedAt, unreportedCost }: Leader, type: 'hit' | 'miss' | 'stale'): void {
  emit(call, { type, count: 1, durationMs: now() - startedAt }, unreportedCost)
}
