/** The recipe for cachified, with the package itself. */
import { type CacheEntry, type Cache as CachifiedCache, cachified } from '@epic-web/cachified'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cachifiedCache } from '../../docs/snippets/cachified.ts'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { createNeon } from '../setup/neon.ts'
import { advance } from '../setup/postgres-store.ts'

let db: Awaited<ReturnType<typeof createNeon>>['db']
let cache: Cache
let ours: CachifiedCache

beforeAll(async () => {
  ;({ db } = await createNeon(await createDatabase()))
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
})

beforeEach(async () => {
  await cache.clear()
  ours = cachifiedCache(cache)
})

function entry(metadata: Partial<CacheEntry['metadata']>, value: unknown = 1): CacheEntry {
  return { value, metadata: { createdTime: Date.now(), ...metadata } } as CacheEntry
}

describe('the recipe for cachified', () => {
  it('computes once, and then answers from the database', async () => {
    const getFreshValue = vi.fn(async () => ({ name: 'Ada' }))
    const get = () => cachified({ key: 'user', cache: cachifiedCache(cache), ttl: 60_000, getFreshValue })
    expect([await get(), await get()]).toEqual([{ name: 'Ada' }, { name: 'Ada' }])
    expect(getFreshValue).toHaveBeenCalledTimes(1)
  })

  it('keeps a value for its swr, and refreshes it in the background', async () => {
    await ours.set('user', entry({ ttl: 1_000, swr: 60_000, createdTime: Date.now() - 30_000 }, 'old'))
    const options = { key: 'user', cache: ours, ttl: 1_000, swr: 60_000, getFreshValue: () => 'new' }
    expect(await cachified(options)).toBe('old')
    await eventually(async () => expect(await ours.get('user')).toMatchObject({ value: 'new' }))
  })

  it.each([
    ['ttl and swr', { ttl: 60_000, swr: 3_540_000 }, 3_600_000],
    ['ttl alone', { ttl: 60_000 }, 60_000],
    ['no ttl', { ttl: null }, null],
    ['an endless swr', { ttl: 60_000, swr: null }, null],
    ['nothing', {}, null],
  ])('gives an entry the TTL of %s', async (_name, metadata, expected) => {
    await ours.set('user', entry(metadata))
    const expiresAt = await cache.namespace('cachified').expiration('user')
    expect(expiresAt && Math.round((expiresAt.getTime() - Date.now()) / 60_000) * 60_000).toBe(expected)
    if (expected === null) return
    await advance(db, expected)
    expect(await ours.get('user')).toBe(undefined)
  })

  it('stores null, and deletes', async () => {
    expect(await cachified({ key: 'none', cache: ours, getFreshValue: () => null })).toBe(null)
    expect(await ours.get('none')).toMatchObject({ value: null })
    await ours.delete('none')
    expect(await ours.get('none')).toBe(undefined)
  })
})
