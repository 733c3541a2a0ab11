/** The fill engine over a scripted store: its events, their costs, and the computation behind each answer. */
import { DatabaseError } from 'pgstash'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FillRequests } from '../../src/fill/calls.ts'
import { createFillEngine } from '../../src/fill/get-or-set.ts'
import type { ClaimAnswer } from '../../src/store/claims.ts'
import { jsonCodec } from '../../src/values/codec.ts'
import { withCost } from '../../src/values/errors.ts'
import { NEVER } from '../../src/values/expiration.ts'
import { pause } from './clients.ts'

const COST = { roundTrips: 1, bytes: 10 }
const FREE = { roundTrips: 0, bytes: 0 }
const CLAIMED: ClaimAnswer = { entry: undefined, claimed: true, heldMs: undefined }
const UNAVAILABLE: ClaimAnswer = { entry: undefined, claimed: 'unavailable', heldMs: undefined }
const HELD: ClaimAnswer = { entry: undefined, claimed: false, heldMs: 60_000 }
const entry = (state: 'live' | 'stale') => ({ value: '"stored"', number: null, state })

/** An engine over a store that grants every claim, unless answers are given, and its events. */
function engineOver(requests: Partial<FillRequests>) {
  const events: unknown[][] = []
  const store: FillRequests = {
    readOrClaim: async () => ({ value: CLAIMED, cost: COST }),
    fill: async () => ({ value: true, cost: COST }),
    release: async () => ({ value: undefined, cost: COST }),
    ...requests,
  }
  const engine = createFillEngine(store, {
    ...{ codec: jsonCodec, maxValueBytes: 1_000, expiration: NEVER, slack: 0, timeoutMs: 60_000 },
    ...{ waitUntil: undefined, random: () => 0.5 },
    emit: ({ durationMs, operation, ...event }, ...keys) => void events.push([event, ...keys]),
  })
  return { engine, events }
}

describe('the fill engine', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('reports the caller’s key and the stored key with each event', async () => {
    const { engine, events } = engineOver({})
    await engine.getOrSet('key', 'scope:key', 'value')
    expect(events).toEqual([
      [{ type: 'miss', count: 1, ...COST }, 'key', 'scope:key'],
      [{ type: 'fill', computeMs: expect.any(Number), ...COST }, 'key', 'scope:key'],
    ])
  })

  it('sends one lookup for each call, before its computation', async () => {
    const { engine, events } = engineOver({})
    const inner = () => engine.getOrSet('key', 'key', () => Promise.reject(new Error('inner')))
    await expect(engine.getOrSet('key', 'key', inner)).rejects.toThrow('inner')
    expect(events.map(([event]) => (event as { type: string }).type)).toEqual(['miss', 'miss', 'error', 'error'])
  })

  it('returns the leader’s own value to the leader and its followers', async () => {
    const { engine } = engineOver({})
    const calls = [1, 2].map((n) => engine.getOrSet('key', 'key', () => n))
    expect(await Promise.all(calls)).toEqual([
      { value: 1, isOwn: true },
      { value: 1, isOwn: false },
    ])
  })

  it.each(['live', 'stale'] as const)('does not mistake a %s entry for its own computation', async (state) => {
    const { engine } = engineOver({ readOrClaim: () => ({ value: { ...CLAIMED, entry: entry(state) }, cost: COST }) })
    const work: Promise<unknown>[] = []
    const waitUntil = (each: Promise<unknown>) => void work.push(each)
    const options = { stale: 60, waitUntil }
    expect(await engine.getOrSet('key', 'key', 'new', options)).toEqual({ value: 'stored', isOwn: false })
    await Promise.all(work)
    expect(await engine.getOrSet('key', 'key', 'new', { stale: 60 })).toEqual({ value: 'new', isOwn: true })
    expect(await engine.refresh('key', 'key', 'new')).toEqual({ value: 'new', isOwn: true })
  })

  it('computes once for all callers of a tick if the store fails softly', async () => {
    const failure = new DatabaseError('unreachable')
    const { engine, events } = engineOver({ readOrClaim: async () => ({ value: UNAVAILABLE, cost: COST, failure }) })
    const compute = vi.fn(() => pause(10).then(() => 'computed'))
    const calls = Promise.all([1, 2].map(() => engine.getOrSet('key', 'key', compute)))
    await vi.runAllTimersAsync()
    expect(await calls).toEqual([
      { value: 'computed', isOwn: true },
      { value: 'computed', isOwn: false },
    ])
    expect(compute).toHaveBeenCalledTimes(1)
    expect(events.map(([event]) => event)).toEqual([
      { type: 'error', error: failure, ...COST },
      { type: 'miss', count: 1, ...FREE },
      { type: 'refuse', reason: 'alone', computeMs: expect.any(Number), ...FREE },
      { type: 'wait', outcome: 'filled', ...FREE },
      { type: 'hit', count: 1, ...FREE },
    ])
  })

  it('rejects all callers of a tick if the claim rejects, and reports its cost once', async () => {
    const failure = withCost(new DatabaseError('unreachable'), COST)
    const { engine, events } = engineOver({ readOrClaim: () => Promise.reject(failure) })
    const ends = await Promise.allSettled([1, 2].map(() => engine.getOrSet('key', 'key', 'computed')))
    expect(ends).toEqual([1, 2].map(() => ({ status: 'rejected', reason: failure })))
    expect(events).toEqual([[{ type: 'error', error: failure, ...COST }, 'key', 'key']])
  })

  it.each([
    ['rejects', () => Promise.reject(withCost(new DatabaseError('unreachable'), COST))],
    ['fails softly', async () => ({ value: false, cost: COST, failure: new DatabaseError('unreachable') })],
  ])('reports a fill that %s, and returns the value', async (_how, fill) => {
    const { engine, events } = engineOver({ fill: fill as FillRequests['fill'] })
    expect(await engine.getOrSet('key', 'key', 'computed')).toEqual({ value: 'computed', isOwn: true })
    expect(events[1]).toEqual([{ type: 'error', error: expect.any(DatabaseError), ...COST }, 'key', 'key'])
  })

  it('reports the polls of a wait with the wait, and the first request with the lookup', async () => {
    let requests = 0
    const { engine, events } = engineOver({
      readOrClaim: async () => ({
        value: ++requests < 4 ? HELD : { ...CLAIMED, claimed: false, entry: entry('live') },
        cost: COST,
      }),
    })
    const call = engine.getOrSet('key', 'key', 'computed')
    await vi.runAllTimersAsync()
    expect(await call).toEqual({ value: 'stored', isOwn: false })
    expect(events.map(([event]) => event)).toEqual([
      { type: 'wait', outcome: 'filled', roundTrips: 3, bytes: 30 },
      { type: 'hit', count: 1, ...COST },
    ])
  })

  it('does not let two computations without leases wait for each other', async () => {
    const { engine } = engineOver({
      readOrClaim: async ({ leaseMs }) => ({ value: leaseMs === 1_000 ? HELD : CLAIMED, cost: COST }),
    })
    const outer = (key: string, other: string) =>
      engine.getOrSet(key, key, () => engine.getOrSet(other, other, 'inner', { lease: '5m' }), { lease: '1s' })
    const startedAt = performance.now()
    const calls = Promise.all([outer('a', 'b'), outer('b', 'a')]).then(() => performance.now())
    await vi.advanceTimersByTimeAsync(600_000)
    expect((await calls) - startedAt).toBeLessThan(10_000)
  })
})
