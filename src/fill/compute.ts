/** Runs the computation of a call, and stores the value if the call has the lease. */
import type { Fill } from '../cache.ts'
import type { Reply } from '../store/store.ts'
import { now, wallClock } from '../values/clock.ts'
import { decodeValue, encodeValue, type StoredValue } from '../values/codec.ts'
import { takeCost } from '../values/errors.ts'
import { addCosts, type Cost, noCost } from '../values/events.ts'
import { type Deadline, parseExpiration } from '../values/expiration.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { storedTags } from '../values/key.ts'
import { isRefusal } from '../values/outage.ts'
import { isAbsent } from './absent.ts'
import { type Call, emit, emitError, keepAlive, type Outcome } from './calls.ts'
import { runInside } from './nesting.ts'
import { slidingOf } from './options.ts'

/** The decisions of a computation about how its value is stored. */
interface Decisions {
  deadline: Deadline
  readonly tags: Set<string>
  isSkipped: boolean
}

/** A computed value. `value` is what the computation returned; callers get it decoded from `stored`, as on a hit. */
interface ComputedValue extends Pick<Decisions, 'deadline'> {
  readonly kind: 'value'
  readonly value: unknown
  readonly stored: StoredValue
  readonly tags: readonly string[] | null
  readonly computeMs: number
}

type Computed =
  | ComputedValue
  | { readonly kind: 'skipped'; readonly value: unknown; readonly computeMs: number; readonly isAbsent: boolean }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Computes under a lease, then stores the value or releases the lease. Never rejects.
 *
 * @param backoffMs how long no process refreshes the key if the computation fails. Callers must have an old value
 *   meanwhile.
 */
export async function computeUnderLease(call: Call, token: string, backoffMs = 0): Promise<Outcome> {
  const startedAt = now()
  const computed = await compute(call)
  if (computed.kind === 'value') {
    const { stored } = computed
    // Decode the value while the request is under way.
    const [, value] = await Promise.all([storeValue(call, token, computed), readBack(call, stored, computed.value)])
    return { kind: 'value', stored, value, isComputed: true }
  }
  const restMs = computed.kind === 'failed' && !hasGivenUp(call, computed.error) ? backoffMs : 0
  const released = release(call, token, restMs).then((cost) => {
    if (computed.kind === 'failed') emitError(call, computed.error, startedAt, cost)
    else emitRefusal(call, 'skipped', computed.computeMs, cost)
  })
  if (!keepAlive(call, released)) await released
  if (computed.kind === 'failed') return { kind: 'failed', error: computed.error, by: 'computation' }
  return skippedOutcome(call, computed)
}

/** True if the computation failed because its own caller gave up. That does not mean that the origin fails. */
function hasGivenUp({ options }: Call, error: unknown): boolean {
  return options.signal?.aborted === true || isFrameworkSignal(error)
}

/** Computes without a lease. The value is not stored, because a newer write could overtake it unnoticed. */
export async function computeWithoutLease(call: Call): Promise<Outcome> {
  const startedAt = now()
  const computed = await compute(call)
  if (computed.kind === 'failed') {
    emitError(call, computed.error, startedAt)
    return { kind: 'failed', error: computed.error, by: 'computation' }
  }
  emitRefusal(call, computed.kind === 'skipped' ? 'skipped' : 'alone', computed.computeMs)
  if (computed.kind === 'skipped') return skippedOutcome(call, computed)
  const { stored } = computed
  return { kind: 'value', stored, value: await readBack(call, stored, computed.value), isComputed: true }
}

async function skippedOutcome(call: Call, { value, isAbsent }: Computed & { kind: 'skipped' }): Promise<Outcome> {
  return isAbsent ? { kind: 'absent' } : { kind: 'unshared', value: await roundTrip(call, value) }
}

async function compute(call: Call): Promise<Computed> {
  const { key, options, settings } = call
  const { fill, decisions } = createFill(call)
  const startedAt = now()
  try {
    options.signal?.throwIfAborted()
    const value = await runInside(call.computation, () => call.compute(fill))
    const computeMs = now() - startedAt
    // Copy the decisions now: the computation may keep `fill`, and call it again while the value is encoded.
    const { isSkipped, deadline } = decisions
    const tags = decisions.tags.size === 0 ? null : [...decisions.tags]
    if (isSkipped) return { kind: 'skipped', value, computeMs, isAbsent: isAbsent(fill) }
    return { kind: 'value', value, stored: await encodeValue(value, key, settings), deadline, tags, computeMs }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/** Creates the argument of the computation, and the decisions that the computation makes through it. */
function createFill({ name, options, settings }: Call): { fill: Fill; decisions: Decisions } {
  const { sliding, maxAgeMs } = options
  /** Adds slack to the deadline of a sliding entry, so that its first reads do not move the deadline. */
  const withSlack = (deadline: Deadline): Deadline => {
    // An entry that expires at once cannot slide.
    if (sliding === undefined || isPast(deadline)) return deadline
    return { kind: 'after', ms: slidingOf(deadline, maxAgeMs, settings.slack).lifeMs }
  }
  const decisions: Decisions = { deadline: withSlack(options.deadline), tags: new Set(options.tags), isSkipped: false }
  const fill: Fill = {
    key: name,
    signal: options.signal ?? new AbortController().signal,
    expireIn(expiration) {
      decisions.deadline = withSlack(parseExpiration(expiration, now()))
    },
    tag(...tags) {
      for (const tag of storedTags(tags) ?? []) decisions.tags.add(tag)
    },
    skip() {
      decisions.isSkipped = true
    },
  }
  return { fill, decisions }
}

function isPast(deadline: Deadline): boolean {
  return deadline.kind === 'after' ? deadline.ms <= 0 : deadline.kind === 'at' && deadline.epochMs <= wallClock()
}

/** Decodes the value as a hit would. If the codec cannot decode its own text, returns the value unchanged. */
async function readBack(call: Call, stored: StoredValue, value: unknown): Promise<unknown> {
  const startedAt = now()
  try {
    return await decodeValue(stored, call.key, call.settings.codec)
  } catch (error) {
    emitError(call, error, startedAt)
    return value
  }
}

/** Encodes and decodes a skipped value, so that it looks as on a hit. If the codec refuses it, returns it unchanged. */
async function roundTrip(call: Call, value: unknown): Promise<unknown> {
  const { codec } = call.settings
  try {
    const stored = await encodeValue(value, call.key, { codec, maxValueBytes: Number.POSITIVE_INFINITY })
    return await readBack(call, stored, value)
  } catch {
    return value
  }
}

/** Stores the value. Never rejects: the caller has its value, so a failure of the store only means a later miss. */
async function storeValue(call: Call, token: string, computed: ComputedValue): Promise<void> {
  const { maxAgeMs, staleMs, asOf } = call.options
  const { stored, deadline, tags, computeMs } = computed
  const startedAt = now()
  const request = { ...stored, key: call.key, token, deadline, tags, maxAgeMs, staleMs, asOf, computeMs }
  const reply = await settle(async () => call.store.fill(request))
  const durationMs = now() - startedAt
  if ('failure' in reply) {
    // A healthy database refused the value. Release the lease, because others would wait until it expires.
    const cost = isRefusal(reply.failure) ? await release(call, token) : noCost()
    emitError(call, reply.failure, startedAt, addCosts(reply.cost, cost))
  } else if (reply.value) emit(call, { type: 'fill', computeMs, durationMs }, reply.cost)
  else emit(call, { type: 'refuse', reason: 'overtaken', computeMs, durationMs }, reply.cost)
}

/** Releases the lease, and returns the cost that no event has reported yet. Never rejects. */
async function release(call: Call, token: string, backoffMs = 0): Promise<Cost> {
  const startedAt = now()
  const reply = await settle(async () => call.store.release(call.key, token, ...(backoffMs > 0 ? [backoffMs] : [])))
  if (!('failure' in reply)) return reply.cost
  // The lease will expire.
  emitError(call, reply.failure, startedAt, reply.cost)
  return noCost()
}

/** Awaits a request. Returns its reply, or its `failure` if the store absorbed one or rejected. */
async function settle<T>(
  request: () => Promise<Reply<T>>,
): Promise<{ value: T; cost: Cost } | { failure: unknown; cost: Cost }> {
  try {
    const { value, cost, failure } = await request()
    return failure === undefined ? { value, cost } : { failure, cost }
  } catch (error) {
    return { failure: error, cost: takeCost(error) }
  }
}

function emitRefusal(call: Call, reason: 'alone' | 'skipped', computeMs: number, cost?: Cost): void {
  emit(call, { type: 'refuse', reason, computeMs, durationMs: 0 }, cost)
}
