/** Options, types, and the calls of the overrides on a cache: in Node. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { neon } from '@neondatabase/serverless'
import type * as overrides from '@opennextjs/aws/types/overrides.js'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache, memoryCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { incrementalCache, queue, tagCache } from 'pgstash/opennext'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { connectors } from '../setup/drivers.ts'

/** As `defineCloudflareConfig` of @opennextjs/cloudflare accepts them. */
interface CloudflareOverrides {
  incrementalCache: overrides.IncrementalCache
  tagCache: overrides.NextModeTagCache
  queue: overrides.Queue
}

const PAGE = { type: 'app', html: '<p>A</p>', meta: { headers: { 'x-next-cache-tags': 'posts' } }, revalidate: 60 }

let site: Site
beforeAll(async () => {
  site = await createSite()
})

afterEach(() => void vi.unstubAllGlobals())

const never = (): Cache => {
  throw new Error('The cache was made too early.')
}

it('the overrides have the types of OpenNext', () => {
  const config: CloudflareOverrides = {
    incrementalCache: incrementalCache(never),
    tagCache: tagCache(never),
    queue: queue(never),
  }
  expect(Object.values(config).map(({ name }) => name)).toEqual([
    'pgstash-incremental-cache',
    'pgstash-tag-cache',
    'pgstash-queue',
  ])
  expect(config.tagCache.mode).toBe('nextMode')
})

describe('the function that creates the cache', () => {
  it('is not called before a request, and once for all three overrides', async () => {
    const makeCache = vi.fn(() => site.client())
    const [entries, tags] = [incrementalCache(makeCache), tagCache(makeCache)]
    queue(makeCache)
    expect(makeCache).not.toHaveBeenCalled()
    await entries.get('/a')
    await tags.hasBeenRevalidated(['t'], 1)
    expect(makeCache).toHaveBeenCalledTimes(1)
  })

  it('is called again if it threw', async () => {
    let isReady = false
    const entries = incrementalCache(() => {
      if (!isReady) throw new TypeError('no variable yet')
      return site.client()
    })
    await expect(entries.get('/a')).rejects.toThrow('no variable yet')
    isReady = true
    expect(await entries.get('/a')).toBeNull()
  })

  it.each([undefined, null, 'cache', memoryCache({ maxEntries: 1 })])('must be a function, not %s', (given) => {
    for (const create of [incrementalCache, tagCache, queue]) {
      expect(() => create(given as never)).toThrow('Expected a function that returns a cache')
    }
  })

  it.each([
    ['a memory cache', () => memoryCache({ maxEntries: 1 })],
    ['nothing', () => undefined],
  ])('must return a cache on Postgres, not %s', async (_name, make) => {
    await expect(incrementalCache(make as never).get('/a')).rejects.toThrow('Expected a cache from createCache')
    await expect(tagCache(make as never).hasBeenRevalidated(['t'])).rejects.toThrow('Expected a cache from createCache')
  })
})

describe('options', () => {
  it.each([0, -1, '366d', null, new Date(), 'soon', true])('refuse a retention of %s', (retention) => {
    expect(() => incrementalCache(never, { retention: retention as never })).toThrow(/^Expected retention to be/)
  })

  it.each([0, 999, '61s', null, 'soon'])('refuse a timeout of %s', (timeout) => {
    expect(() => queue(never, { timeout: timeout as never })).toThrow(/^Expected timeout to be/)
  })

  it('refuse unknown names', () => {
    expect(() => incrementalCache(never, { retenton: 1 } as never)).toThrow('Unknown option retenton')
    expect(() => queue(never, { timeOut: 1 } as never)).toThrow('Unknown option timeOut')
  })

  it('keep an entry as long as requested', async () => {
    await incrementalCache(() => site.client(), { retention: '1h' }).set('/kept', PAGE)
    const kept = site.client().namespace('opennext', { version: 'no-build-id' })
    const left = (await kept.expiration('cache:/kept')) as Date
    expect(Math.round((left.getTime() - Date.now()) / 60_000)).toBe(60)
  })
})

describe('a cache with its own options', () => {
  it('returns no revalidated entry from a first tier', async () => {
    const makeTiered = () => tieredCache({ l1: memoryCache({ maxEntries: 100 }), l2: site.client() })
    const [entries, tags] = [incrementalCache(makeTiered), tagCache(makeTiered)]
    await entries.set('/tiered', PAGE)
    const found = await entries.get('/tiered')
    expect(found).toMatchObject({ value: PAGE })
    expect(await tags.hasBeenRevalidated(['posts'], found?.lastModified)).toBe(false)
    await tagCache(() => site.client()).writeTags(['posts'])
    expect(await tags.hasBeenRevalidated(['posts'], found?.lastModified)).toBe(true)
  })

  it("does not mistake a failure for a tag that was never revalidated, with onError: 'miss'", async () => {
    const tags = tagCache(() => site.client({ onError: 'miss', warn: false }))
    site.faults.always({ kind: 'error', status: 500 })
    expect(await tags.hasBeenRevalidated(['any'], Date.now())).toBe(true)
    site.faults.heal()
  })

  it('keeps its namespace and codec', async () => {
    const codec = {
      encode: (value: unknown) => `x${JSON.stringify(value)}`,
      decode: (text: string) => JSON.parse(text.slice(1)),
    }
    const makeCache = () => site.client({ namespace: 'shop', codec })
    const [entries, tags] = [incrementalCache(makeCache), tagCache(makeCache)]
    await entries.set('/own', PAGE)
    await tags.writeTags([{ tag: 'posts', stale: 1, expire: 2 }])
    expect(await entries.get('/own')).toMatchObject({ value: PAGE })
    expect(await tags.isStale(['posts'], 0)).toBe(false)
    expect(await tags.hasBeenRevalidated(['posts'], 0)).toBe(true)
    expect(await incrementalCache(() => site.client()).get('/own')).toBeNull()
  })

  it('emits an event for a value that is too large, and keeps the old one', async () => {
    const events: unknown[] = []
    const makeCache = () => site.client({ maxValueBytes: 1_000, onEvent: (event) => events.push(event) })
    const entries = incrementalCache(makeCache)
    await entries.set('/large', PAGE)
    await entries.set('/large', { ...PAGE, html: 'x'.repeat(2_000) })
    expect(events).toContainEqual(expect.objectContaining({ type: 'error', operation: 'set' }))
    expect(await entries.get('/large')).toMatchObject({ value: PAGE })
  })

  it('reports hits, misses, writes and failures', async () => {
    const events: { type: string; operation: string }[] = []
    const makeCache = () => site.client({ onEvent: (event) => events.push(event), warn: false })
    const [entries, tags] = [incrementalCache(makeCache), tagCache(makeCache)]
    await entries.get('/events')
    await entries.set('/events', PAGE)
    await entries.get('/events')
    await tags.writeTags(['posts'])
    site.faults.always({ kind: 'error', status: 500 })
    await entries.get('/events')
    site.faults.heal()
    expect(events.map(({ type, operation }) => `${operation} ${type}`)).toEqual([
      'get miss',
      'set write',
      'get hit',
      'invalidate invalidate',
      'get error',
    ])
  })
})

it('marks its requests as internal to Next, because a page that Next renders must not depend on them', async () => {
  const inits: { next?: unknown; cache?: unknown }[] = []
  const { fetch } = globalThis
  vi.stubGlobal('fetch', (url: string, init: object) => {
    inits.push(init)
    return fetch(url, init)
  })
  // Next sets this when it patches `fetch`.
  vi.stubGlobal(Symbol.for('next-patch'), true)
  const cache = site.client()
  const entries = incrementalCache(() => cache)
  await entries.set('/internal', PAGE)
  await entries.get('/internal')
  await tagCache(() => cache).writeTags(['t'])
  expect(inits.map(({ next, cache }) => [next, cache])).toEqual([1, 2, 3].map(() => [{ internal: true }, undefined]))
  inits.length = 0
  await cache.get('of the page itself')
  expect(inits.map(({ next, cache }) => [next, cache])).toEqual([[undefined, 'no-store']])
})

it.each(Object.entries(connectors))('the overrides work over %s', async (_name, connect) => {
  const db = await connect(await createDatabase())
  await migrate(db)
  const makeCache = () => createCache(db, { timeout: 60_000 })
  const [entries, tags] = [incrementalCache(makeCache), tagCache(makeCache)]
  await entries.set('/page', PAGE)
  const found = await entries.get('/page')
  expect(found).toMatchObject({ value: PAGE, lastModified: expect.any(Number) })
  const asked = [['posts'], found?.lastModified] as [string[], number]
  expect([await tags.hasBeenRevalidated(...asked), await tags.isStale(...asked)]).toEqual([false, false])
  const now = Date.now()
  await tags.writeTags([{ tag: 'posts', stale: now, expire: now + 60_000 }])
  expect([await tags.hasBeenRevalidated(...asked), await tags.isStale(...asked)]).toEqual([false, true])
  await tags.writeTags(['posts'])
  expect([await tags.hasBeenRevalidated(...asked), await tags.isStale(...asked)]).toEqual([true, false])
  expect(await tags.getLastRevalidated(['posts', 'unseen'])).toBeGreaterThan(now - 1_000)
  await entries.delete('/page')
  expect(await entries.get('/page')).toBeNull()
})

it('the queue waits for the page outside of a request, because nothing would keep the work alive', async () => {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => void server.close())
  vi.stubEnv('NEXT_PREVIEW_MODE_ID', 'token')
  vi.stubGlobal(Symbol.for('__cloudflare-context__'), { env: { WORKER_SELF_REFERENCE: { fetch } } })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const MessageBody = { host, url: '/page', lastModified: 1, eTag: '' }
  await queue(() => site.client()).send({ MessageBody, MessageDeduplicationId: 'alone' })
  expect(requests).toEqual(['HEAD /page'])
  vi.unstubAllEnvs()
})

it('the overrides send no request while they are created', () => {
  site.faults.reset()
  const makeCache = () => createCache(() => drizzle({ client: neon(site.server.connectionString) }))
  for (const create of [incrementalCache, tagCache, queue]) create(makeCache)
  expect(site.faults.requests).toBe(0)
})
