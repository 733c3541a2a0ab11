/** Runs a computation, and hands its value to the store if it may be stored. */
import type { Fill } from '../cache.ts'
import { now } from '../values/clock.ts'
import { decodeValue, encodeValue, type StoredValue } from '../values/codec.ts'
import { type Cost, noCost } from '../values/events.ts'
import type { Call } from './environment.ts'
import { createFill, type FillState } from './fill-context.ts'
import type { Outcome } from './flights.ts'
import { type Computation, runInside, startComputation } from './nesting.ts'

type Decided = ReturnType<FillState['decided']>
/** `value` is what the computation returned; callers get it as it comes back from the codec, on a miss as on a hit. */
type Computed =
  | { kind: 'computed'; value: unknown; stored: StoredValue; computeMs: number; decided: Decided; fill: Fill }
  | { kind: 'skipped'; value: unknown; computeMs: number; fill: Fill }
  | { kind: 'failed'; error: unknown }

/** Computes under a lease, and fills or releases it. */
export async function computeAndFill(call: Call, token: string, computation: Computation): Promise<Outcome> {
  const startedAt = now()
  const computed = await compute(call, computation)
  if (computed.kind === 'computed') {
    // Decoding overlaps with the request.
    const [, own] = await Promise.all([fill(call, token, computed), readBack(call, computed)])
    return { kind: 'value', stored: computed.stored, own, fill: computed.fill }
  }
  await inBackground(
    call,
    release(call, token).then((cost) => {
      if (computed.kind === 'failed') tellFailure(call, computed.error, startedAt, cost)
      else tellRefusal(call, computed.computeMs, 'skipped', cost)
    }),
  )
  if (computed.kind === 'failed') return { kind: 'failed', error: computed.error, by: 'computation' }
  return { kind: 'unshared', own: await roundTripped(call, computed), fill: computed.fill }
}

/** Computes without a lease: the value is answered with and not stored, for nothing fences it. */
export async function computeAlone(call: Call): Promise<Outcome> {
  const startedAt = now()
  const computed = await compute(call, startComputation(call))
  if (computed.kind === 'failed') {
    tellFailure(call, computed.error, startedAt)
    return { kind: 'failed', error: computed.error, by: 'computation' }
  }
  tellRefusal(call, computed.computeMs, computed.kind === 'skipped' ? 'skipped' : 'alone')
  const { fill } = computed
  if (computed.kind === 'skipped') return { kind: 'unshared', own: await roundTripped(call, computed), fill }
  return { kind: 'value', stored: computed.stored, own: await readBack(call, computed), fill }
}

/** Hands work over where there is someone to keep it alive, and waits for it otherwise. The work must not reject. */
export async function inBackground({ environment }: Call, work: Promise<unknown>): Promise<void> {
  try {
    if (environment.waitUntil === undefined) await work
    else environment.waitUntil(work)
  } catch {
    // A `waitUntil` that throws, such as that of a request that has ended, keeps nothing alive.
    await work
  }
}

async function compute(call: Call, computation: Computation): Promise<Computed> {
  const { name, key, plan, environment } = call
  const { fill, decided } = createFill(name, plan, environment.slack)
  const startedAt = now()
  try {
    plan.signal?.throwIfAborted()
    const value = await runInside(computation, () => call.compute(fill))
    const computeMs = now() - startedAt
    const decisions = decided()
    if (decisions.isSkipped) return { kind: 'skipped', value, computeMs, fill }
    const stored = await encodeValue(value, key, environment)
    return { kind: 'computed', value, stored, computeMs, decided: decisions, fill }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/**
 * The value as a hit would have it. If the codec cannot read what it wrote, no call is ever a hit, so the caller gets the
 * value as it was computed.
 */
async function readBack(call: Call, { stored, value }: { stored: StoredValue; value: unknown }): Promise<unknown> {
  const startedAt = now()
  try {
    return await decodeValue(stored, call.key, call.environment.codec)
  } catch (error) {
    tellFailure(call, error, startedAt)
    return value
  }
}

/** Gives a skipped value the form that it would be stored in. A value that the codec refuses stays as it is. */
async function roundTripped(call: Call, { value }: { value: unknown }): Promise<unknown> {
  const { codec } = call.environment
  try {
    const stored = await encodeValue(value, call.key, { codec, maxValueBytes: Number.POSITIVE_INFINITY })
    return await readBack(call, { stored, value })
  } catch {
    return value
  }
}

/** Never rejects: the value is at hand, and a store that fails now costs only the caching. */
async function fill(call: Call, token: string, computed: Extract<Computed, { kind: 'computed' }>): Promise<void> {
  const { key, plan, store } = call
  const { stored, computeMs, decided } = computed
  const startedAt = now()
  const cost = noCost()
  try {
    const { maxAgeMs, staleMs, asOf } = plan
    const { deadline, tags } = decided
    const isStored = await store.fill(
      { ...stored, key, token, deadline, tags, maxAgeMs, staleMs, asOf, computeMs },
      cost,
    )
    const durationMs = now() - startedAt
    call.environment.emit?.(
      isStored
        ? { type: 'fill', operation: 'getOrSet', computeMs, durationMs, ...cost }
        : { type: 'refuse', operation: 'getOrSet', reason: 'overtaken', computeMs, durationMs, ...cost },
      call.name,
    )
  } catch (error) {
    tellFailure(call, error, startedAt, cost)
  }
}

/** Never rejects; answers with what it cost. */
async function release(call: Call, token: string): Promise<Cost> {
  const startedAt = now()
  const cost = noCost()
  try {
    await call.store.release(call.key, token, cost)
  } catch (error) {
    // It runs out by itself.
    tellFailure(call, error, startedAt, cost)
    return noCost()
  }
  return cost
}

export function tellFailure(call: Call, error: unknown, startedAt: number, cost = noCost()): void {
  const durationMs = now() - startedAt
  call.environment.emit?.({ type: 'error', operation: 'getOrSet', error, durationMs, ...cost }, call.name)
}

function tellRefusal(call: Call, computeMs: number, reason: 'alone' | 'skipped', cost = noCost()): void {
  const event = { type: 'refuse', operation: 'getOrSet', reason, computeMs, durationMs: 0, ...cost } as const
  call.environment.emit?.(event, call.name)
}
