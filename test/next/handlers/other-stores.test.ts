/** The same handlers over every driver, and on caches other than a single Postgres. */
import { type Cache, createCache, memoryCache, nullCache, shardedCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheHandler, cacheHandlers } from 'pgstash/next'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../setup/databases.ts'
import { connectors } from '../../setup/drivers.ts'
import { createNeon } from '../../setup/neon.ts'
import { createSite, entryOf, type Site, textOf } from './site.ts'

let site: Site
let second: Cache
const overDrivers: Record<string, Cache> = {}
beforeAll(async () => {
  site = await createSite()
  const { db } = await createNeon(await createDatabase())
  await migrate(db)
  second = createCache(db, { timeout: 60_000 })
  const url = await createDatabase()
  for (const [name, connect] of Object.entries(connectors)) {
    const driver = await connect(url)
    await migrate(driver)
    overDrivers[name] = createCache(driver, { timeout: 60_000 })
  }
})

const STORES: Record<string, () => Cache> = {
  ...Object.fromEntries(Object.keys(connectors).map((name) => [name, () => overDrivers[name] as Cache])),
  memory: () => memoryCache(),
  'two nodes': () => shardedCache({ nodes: { a: site.cache, b: second } }),
  'two tiers': () => tieredCache({ l1: memoryCache(), l2: site.cache }),
  'a namespace': () => site.cache.namespace('shop', { version: 2 }),
}

describe.each(Object.entries(STORES))('on %s', (_, create) => {
  it('entries come back, and revalidations expire them or make them stale', async () => {
    const cache = create()
    await cache.clear()
    const handler = cacheHandlers(cache)
    const now = () => performance.timeOrigin + performance.now()
    for (const key of ['own', 'page', 'stale']) {
      expect(await handler.get(key, ['page'])).toBeUndefined()
      await handler.set(key, Promise.resolve(entryOf(key, { timestamp: now() - 5, tags: key === 'page' ? [] : [key] })))
      expect(await textOf(await handler.get(key, []))).toBe(key)
    }
    await handler.updateTags(['own', 'page'])
    await handler.updateTags(['stale'], { expire: 60 })
    expect([await handler.get('own', []), await handler.get('page', ['page'])]).toEqual([undefined, undefined])
    expect(await handler.get('stale', [])).toMatchObject({ revalidate: -1 })
  })

  it('pages come back until their path is revalidated', async () => {
    const cache = create()
    await cache.clear()
    const handler = new (cacheHandler(cache))()
    const page = { kind: 'PAGES', html: '<p>', pageData: {}, headers: {}, status: 200 }
    expect(await handler.get('/a', { kind: 'PAGES' })).toBeNull()
    await handler.set('/a', page)
    expect(await handler.get('/a', { kind: 'PAGES' })).toMatchObject({ value: page })
    await handler.revalidateTag('_N_T_/a')
    expect(await handler.get('/a', { kind: 'PAGES' })).toBeNull()
  })
})

it('a null cache stores nothing', async () => {
  const handler = cacheHandlers(nullCache())
  await handler.set('key', Promise.resolve(entryOf('x')))
  expect(await handler.get('key', [])).toBeUndefined()
  await handler.updateTags(['a'])
})
