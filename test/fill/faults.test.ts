import { type CacheEvent, CircuitOpenError } from 'pgstash'
import type { FaultRate } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { rounds } from '../setup/statements.ts'
import { createSite, type Site, times } from './clients.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await site.client().clear()
  site.faults.reset()
})

/** One request in four meets one of these faults. */
const UNRELIABLE: FaultRate[] = [
  { rate: 0.06, fault: { kind: 'delay', ms: 30 } },
  { rate: 0.05, fault: { kind: 'reset' } },
  { rate: 0.04, fault: { kind: 'lose' } },
  { rate: 0.04, fault: { kind: 'truncate', bytes: 20 } },
  { rate: 0.05, fault: { kind: 'error', status: 500, body: 'a proxy speaking' } },
  { rate: 0.01, fault: { kind: 'hang' } },
]

describe('an endpoint that delays, drops, cuts and answers 500 at random', () => {
  const calls = rounds(300)
  it('makes no getOrSet reject that fails open, and each returns a value computed for its key', async () => {
    const clients = times(8, () => site.client({ onError: 'miss', timeout: 1_000 }))
    site.faults.random(1, UNRELIABLE)
    await Promise.all(
      clients.map(async (client, c) => {
        for (let i = 0; i < calls; i++) {
          const key = `key ${(i * 7 + c) % 50}`
          const value = await client.getOrSet(key, async () => ({ key }), { lease: '100ms', expiration: '200ms' })
          expect(value).toEqual({ key })
        }
      }),
    )
    expect(site.faults.log.filter(({ status }) => status !== 200).length).toBeGreaterThan(calls / 3)
    site.faults.heal()
    await site.client().clear()
    expect(await clients[0]?.getOrSet('key 0', 'healed')).toBe('healed')
  }, 300_000)

  it('loses no acknowledged increment, and adds at most the unacknowledged ones', async () => {
    site.faults.random(2, UNRELIABLE)
    let acknowledged = 0
    let ambiguous = 0
    const clients = times(8, () => site.client({ onError: 'miss', timeout: 1_000 }))
    await Promise.all(
      clients.map(async (client) => {
        for (let i = 0; i < 150; i++) {
          await client.increment('counter').then(
            () => acknowledged++,
            () => ambiguous++,
          )
        }
      }),
    )
    site.faults.heal()
    const total = (await site.client().get<number>('counter')) ?? 0
    expect(acknowledged + ambiguous).toBe(1_200)
    expect(ambiguous).toBeGreaterThan(50)
    expect(total).toBeGreaterThanOrEqual(acknowledged)
    expect(total).toBeLessThanOrEqual(acknowledged + ambiguous)
  }, 300_000)

  it('stores a fill once if its answer was lost, and computes once if the answer to a claim was lost', async () => {
    const client = site.client()
    let computed = 0
    const compute = async () => ++computed
    site.faults.next({ kind: 'lose' })
    expect(await client.getOrSet('claim', compute)).toBe(1)
    expect(await client.getOrSet('claim', compute)).toBe(1)
    const fill = client.getOrSet('fill', async () => {
      site.faults.next({ kind: 'lose' })
      return compute()
    })
    expect(await fill).toBe(2)
    expect(await client.getOrSet('fill', compute)).toBe(2)
  })
})

describe('an unreachable database', () => {
  it.each([{ kind: 'hang' }, { kind: 'reset' }, { kind: 'error', status: 503 }] as const)(
    'delays a getOrSet that fails open by the timeout and its computation at most, and is used again after recovery: %o',
    async (fault) => {
      const events: CacheEvent[] = []
      const client = site.client({ onError: 'miss', timeout: 2_000, onEvent: (event) => events.push(event) })
      site.faults.always(fault)
      const startedAt = performance.now()
      const values = await Promise.all(times(20, (i) => client.getOrSet(`key ${i % 4}`, async () => i % 4)))
      expect(performance.now() - startedAt).toBeLessThan(9_000)
      expect(values).toEqual(times(20, (i) => i % 4))
      expect(events.some((event) => event.type === 'error')).toBe(true)
      site.faults.heal()
      const afterwards = async () => {
        await client.getOrSet('back', 'stored')
        return site.client().get('back')
      }
      await expect.poll(afterwards).toBe('stored')
    },
  )

  it('makes a getOrSet reject that does not fail open, unless its value is computed already', async () => {
    const client = site.client({ timeout: 10_000 })
    site.faults.always({ kind: 'reset' })
    let computed = 0
    const compute = async () => ++computed
    await expect(client.getOrSet('key', compute)).rejects.toMatchObject({ code: 'DATABASE' })
    expect(computed).toBe(0)
    site.faults.heal()
    const value = client.getOrSet('key', async () => {
      site.faults.always({ kind: 'reset' })
      return compute()
    })
    expect(await value).toBe(1)
    site.faults.heal()
  })

  it('counts as misses for reads, drops writes, and rejects calls whose result must not be faked', async () => {
    const events: CacheEvent[] = []
    const client = site.client({ onError: 'miss', timeout: 10_000, onEvent: (event) => events.push(event) })
    await client.setMany({ a: 1, b: 2 })
    site.faults.always({ kind: 'error', status: 503 })
    expect(await client.get('a')).toBe(undefined)
    expect(await client.get('a', { fallback: 'none', sliding: 60 })).toBe('none')
    expect(await client.getMany(['a', 'b'])).toEqual(new Map())
    expect(await client.has('a')).toBe(false)
    expect(await client.expiration('a')).toBe(undefined)
    expect(await client.entry('a').value()).toBe(undefined)
    expect(await client.set('a', 5)).toBe(undefined)
    expect(await client.setMany({ a: 5 })).toBe(undefined)
    expect(await client.touch('a', 60)).toBe(false)
    expect(events.filter((event) => event.type === 'error')).toHaveLength(9)
    const pretended: (() => Promise<unknown>)[] = [
      () => client.delete('a'),
      () => client.deleteMany(['a']),
      () => client.clear(),
      () => client.invalidate('tag'),
      () => client.add('a', 1),
      () => client.pull('a'),
      () => client.increment('a'),
      () => client.decrement('a'),
      () => client.limit('a', { limit: 1, period: 60 }),
      () => client.count(),
      () => client.stats(),
      () => client.list(),
      () => client.snapshot(),
      () => client.clearExpired(),
    ]
    for (const operation of pretended) await expect(operation()).rejects.toMatchObject({ code: 'DATABASE' })
    await expect(client.set('a', 1n)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
    await expect(client.get('')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    site.faults.heal()
    expect(await site.client().getMany(['a', 'b'])).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    )
  })

  it('is skipped after five failures in a row, and tried again after a pause', async () => {
    const events: CacheEvent[] = []
    const client = site.client({ onError: 'miss', timeout: 10_000, onEvent: (event) => events.push(event) })
    site.faults.always({ kind: 'error', status: 400, body: { message: 'no', code: '58030' } })
    // The pause is a second. A busy machine may need almost as long.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    for (let i = 0; i < 5; i++) expect(await client.get('key')).toBe(undefined)
    expect(site.faults.requests).toBe(5)
    const errors = events.filter((event) => event.type === 'error')
    expect(errors.map(({ circuit }) => circuit)).toEqual([...times(4, () => undefined), 'opened'])
    for (let i = 0; i < 10; i++) expect(await client.get('key')).toBe(undefined)
    expect(await client.getOrSet('key', 'computed')).toBe('computed')
    expect(site.faults.requests).toBe(5)
    const last = events.filter((event) => event.type === 'error').at(-1)
    expect(last).toMatchObject({ error: expect.any(CircuitOpenError), roundTrips: 0 })
    clock.mockRestore()
    // Calls whose result must not be faked are always tried, and show that the database is back.
    site.faults.heal()
    await client.delete('key')
    expect(await client.getOrSet('key', 'stored')).toBe('stored')
    expect(await client.get('key')).toBe('stored')
  })

  it('counts one statement shared by many gets as one failure', async () => {
    const client = site.client({ onError: 'miss', timeout: 10_000 })
    site.faults.always({ kind: 'error', status: 400, body: { message: 'no', code: '53100' } })
    for (let i = 1; i <= 4; i++) {
      expect(await Promise.all(times(20, (n) => client.get(`key ${n}`)))).toEqual(times(20, () => undefined))
      expect(site.faults.requests).toBe(i)
    }
    site.faults.heal()
    expect(await client.getOrSet('key', 'stored')).toBe('stored')
    expect(await client.get('key')).toBe('stored')
  })

  it('never opens the circuit of a cache that throws', async () => {
    const client = site.client({ timeout: 10_000 })
    site.faults.always({ kind: 'error', status: 400, body: { message: 'no', code: '53100' } })
    for (let i = 0; i < 8; i++) await expect(client.get('key')).rejects.toMatchObject({ sqlState: '53100' })
    expect(site.faults.requests).toBe(8)
  })
})

describe('a value that can no longer be decoded', () => {
  it('is computed again by getOrSet', async () => {
    const old = site.client({ codec: { encode: () => 'not JSON', decode: () => 'old' } })
    await old.set('key', {})
    const events: CacheEvent[] = []
    const client = site.client({ onEvent: (event) => events.push(event) })
    const values = await Promise.all(times(5, () => client.getOrSet('key', async () => ({ a: 1 }))))
    expect(values).toEqual(times(5, () => ({ a: 1 })))
    expect(events.filter((event) => event.type === 'error')[0]).toMatchObject({ error: { code: 'UNREADABLE_VALUE' } })
    expect(await client.get('key')).toEqual({ a: 1 })
  })
})
