/** Runs a call's computation, and stores its value if the call has the lease. */
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

/** The decisions of a computation about its value. */
interface Decisions {
  deadline: Deadline
  readonly tags: Set<string>
  isSkipped: boolean
}

/** `value` is as the computation returned it. Callers get it decoded from `stored`, as a hit would. */
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
 * Computes under a lease, which the store then takes back with the value or without. Never rejects.
 *
 * @param backoffMs for how long the key rests if the computation fails; callers must have an old value meanwhile
 */
export async function computeUnderLease(call: Call, token: string, backoffMs = 0): Promise<Outcome> {
  const startedAt = now()
  const computed = await compute(call)
  if (computed.kind === 'value') {
    const { stored } = computed
    // The value is decoded while the request is under way.
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

/** True if the computation failed because its own caller left. That says nothing about the origin. */
function hasGivenUp({ options }: Call, error: unknown): boolean {
  return options.signal?.aborted === true || isFrameworkSignal(error)
}

/** Computes without a lease. The value is not stored, because nothing would tell if a newer write overtook it. */
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
    // The computation may keep `fill`, and change its mind while the value is encoded.
    const { isSkipped, deadline } = decisions
    const tags = decisions.tags.size === 0 ? null : [...decisions.tags]
    if (isSkipped) return { kind: 'skipped', value, computeMs, isAbsent: isAbsent(fill) }
    return { kind: 'value', value, stored: await encodeValue(value, key, settings), deadline, tags, computeMs }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/** Makes the argument of the computation, through which it decides how its value is stored. */
function createFill({ name, options, settings }: Call): { fill: Fill; decisions: Decisions } {
  const { sliding, maxAgeMs } = options
  /** A sliding entry is stored with slack, so that its first reads do not move the deadline. */
  const withSlack = (deadline: Deadline): Deadline => {
    // An entry that expires at once has no span to slide by.
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

/** The value as a hit would return it. If the codec cannot read its own text, there are no hits: then the value as it is. */
async function readBack(call: Call, stored: StoredValue, value: unknown): Promise<unknown> {
  const startedAt = now()
  try {
    return await decodeValue(stored, call.key, call.settings.codec)
  } catch (error) {
    emitError(call, error, startedAt)
    return value
  }
}

/** Gives a skipped value the form that it would have as a hit. If the codec refuses the value, it stays as it is. */
async function roundTrip(call: Call, value: unknown): Promise<unknown> {
  const { codec } = call.settings
  try {
    const stored = await encodeValue(value, call.key, { codec, maxValueBytes: Number.POSITIVE_INFINITY })
    return await readBack(call, stored, value)
  } catch {
    return value
  }
}

/** Never rejects: the caller has its value, so a failure of the store costs only the caching. */
async function storeValue(call: Call, token: string, computed: ComputedValue): Promise<void> {
  const { maxAgeMs, staleMs, asOf } = call.options
  const { stored, deadline, tags, computeMs } = computed
  const startedAt = now()
  const request = { ...stored, key: call.key, token, deadline, tags, maxAgeMs, staleMs, asOf, computeMs }
  const reply = await settle(async () => call.store.fill(request))
  const durationMs = now() - startedAt
  if ('failure' in reply) {
    // A healthy database refused the value. The lease would keep all others waiting for it until it runs out.
    const cost = isRefusal(reply.failure) ? await release(call, token) : noCost()
    emitError(call, reply.failure, startedAt, addCosts(reply.cost, cost))
  } else if (reply.value) emit(call, { type: 'fill', computeMs, durationMs }, reply.cost)
  else emit(call, { type: 'refuse', reason: 'overtaken', computeMs, durationMs }, reply.cost)
}

/** Gives the lease back, and returns the cost that no event has reported yet. Never rejects. */
async function release(call: Call, token: string, backoffMs = 0): Promise<Cost> {
  const startedAt = now()
  const reply = await settle(async () => call.store.release(call.key, token, ...(backoffMs > 0 ? [backoffMs] : [])))
  if (!('failure' in reply)) return reply.cost
  // The lease runs out by itself.
  emitError(call, reply.failure, startedAt, reply.cost)
  return noCost()
}

/** The reply of a request; `failure` is there only if the request failed, softly or by rejecting. */
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
