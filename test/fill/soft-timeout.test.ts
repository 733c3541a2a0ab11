/** `softTimeout`: a caller with a stale value waits no longer than this for a refresh. */
import { type Cache, type CacheEvent, memoryCache } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import { createGate } from '../setup/gate.ts'
import { advance } from '../setup/postgres-store.ts'
import { createSite, type Site } from './clients.ts'

const OLD = { expiration: '1m', stale: '1h' } as const
const never = () => new Promise<never>(() => {})

let site: Site
beforeAll(async () => {
  site = await createSite()
})
let cache: Cache
let events: CacheEvent[]
beforeEach(async () => {
  site.faults.reset()
  events = []
  cache = site.client({ onEvent: (event) => events.push(event) })
  await cache.clear()
  await cache.getOrSet('key', 'old', OLD)
  await advance(site.db, 120_000)
  events.length = 0
})
const types = () => events.map(({ type }) => type)

describe('softTimeout', () => {
  it('serves the stale value during the computation, and then the new one', async () => {
    const gate = createGate()
    const work: Promise<unknown>[] = []
    const compute = () => gate.opened.then(() => 'new')
    const options = { ...OLD, softTimeout: 20, waitUntil: (each: Promise<unknown>) => void work.push(each) }
    expect(await cache.getOrSet('key', compute, options)).toBe('old')
    expect(types()).toEqual(['stale'])
    gate.open()
    await Promise.all(work)
    expect(types()).toEqual(['stale', 'fill'])
    expect(await cache.get('key')).toBe('new')
  })

  it('serves the new value if it comes in time, with waitUntil as well', async () => {
    const options = { ...OLD, softTimeout: '1m', waitUntil: () => {} } as const
    expect(await cache.getOrSet('key', async () => 'new', options)).toBe('new')
    expect(types().sort()).toEqual(['fill', 'miss'])
  })

  it('needs no waitUntil if the process stays alive', async () => {
    const gate = createGate()
    expect(await cache.getOrSet('key', () => gate.opened.then(() => 'new'), { ...OLD, softTimeout: 20 })).toBe('old')
    gate.open()
    await eventually(async () => expect(await cache.get('key')).toBe('new'))
  })

  it.each([0, '0ms', { milliseconds: 0 }])('with value %j never waits', async (softTimeout) => {
    expect(await cache.getOrSet('key', never, { ...OLD, softTimeout: softTimeout as 0, lease: '1s' })).toBe('old')
  })

  it('does not make others wait for the lease, however long it is', async () => {
    const gate = createGate()
    const options = { ...OLD, softTimeout: 0, lease: '1h' } as const
    expect(await cache.getOrSet('key', () => gate.opened.then(() => 'new'), options)).toBe('old')
    for (const each of [cache, site.client()]) expect(await each.getOrSet('key', never, options)).toBe('old')
    gate.open()
    await eventually(async () => expect(await cache.get('key')).toBe('new'))
  })

  it('does not apply without a stale value, because nothing else could be returned', async () => {
    const gate = createGate()
    const call = cache.getOrSet('absent', () => gate.opened.then(() => 'new'), { ...OLD, softTimeout: 1 })
    setTimeout(gate.open, 50)
    expect(await call).toBe('new')
  })

  it('does not apply to a caller that accepts no stale value', async () => {
    const gate = createGate()
    const call = cache.getOrSet('key', () => gate.opened.then(() => 'new'), { expiration: '1m', softTimeout: 1 })
    setTimeout(gate.open, 50)
    expect(await call).toBe('new')
  })

  it('keeps waiting if the stale value became too old meanwhile', async () => {
    let now = Date.now()
    const memory = memoryCache({ now: () => now })
    await memory.getOrSet('key', 'old', { expiration: 60, stale: 60.03 })
    now += 120_000
    const gate = createGate()
    const call = memory.getOrSet('key', () => gate.opened.then(() => 'new'), { stale: 60.03, softTimeout: 100 })
    setTimeout(gate.open, 300)
    expect(await call).toBe('new')
  })

  it('serves the stale value if the computation fails in time or later', async () => {
    const fail = () => Promise.reject(new Error('origin failed'))
    expect(await cache.getOrSet('key', fail, { ...OLD, softTimeout: '1m' })).toBe('old')
    expect(types().sort()).toEqual(['error', 'stale'])
    const gate = createGate()
    const late = () => gate.opened.then(fail)
    expect(await cache.getOrSet('key', late, { ...OLD, softTimeout: 10 })).toBe('old')
    gate.open()
    await eventually(() => expect(types().filter((type) => type === 'error')).toHaveLength(2))
  })

  it('limits an early refresh of a live value, too', async () => {
    const eager = site.client({ random: () => 1 - 1e-12 })
    await eager.getOrSet('live', () => new Promise((resolve) => setTimeout(resolve, 20, 'old')), { expiration: '1m' })
    const options = { expiration: '1m', beta: 1_000, softTimeout: 20, lease: '1s' } as const
    expect(await eager.getOrSet('live', never, options)).toBe('old')
  })

  it('lets one of many callers in two processes compute, and delays none of them', async () => {
    const gate = createGate()
    let computed = 0
    const compute = () => {
      computed++
      return gate.opened.then(() => 'new')
    }
    const other = site.client()
    const calls = [cache, other, cache, other, cache].map((each) =>
      each.getOrSet('key', compute, { ...OLD, softTimeout: 30 }),
    )
    expect(await Promise.all(calls)).toEqual(Array(5).fill('old'))
    expect(computed).toBe(1)
    gate.open()
    await eventually(async () => expect(await other.get('key')).toBe('new'))
  })

  it.each([-1, 1.5, '-1s', null, new Date(), 2 ** 31, 'soon'])('refuses %s', async (softTimeout) => {
    await expect(cache.getOrSet('key', 'x', { softTimeout: softTimeout as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })
})
