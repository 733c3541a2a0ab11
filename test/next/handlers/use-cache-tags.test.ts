import { sql } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { tableTag, watchTables } from 'pgstash/drizzle'
import { cacheHandlers, type UseCacheEntry, type UseCacheHandler } from 'pgstash/next'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { advance } from '../../setup/postgres-store.ts'
import { costOf, createSite, entryOf, ONE, type Site, textOf } from './site.ts'

let site: Site
let handler: UseCacheHandler

beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await site.cache.clear()
  site.events.length = 0
  handler = cacheHandlers(site.cache)
})

const set = (key: string, entry: UseCacheEntry, to = handler) => to.set(key, Promise.resolve(entry))

/** A computation as Next runs it: a miss, then the value, then `set`. */
async function fill(key: string, value: string, fields: Partial<UseCacheEntry> = {}, to = handler): Promise<void> {
  expect(await to.get(key, [])).toBeUndefined()
  await set(key, entryOf(value, fields), to)
}

describe('a revalidated tag', () => {
  it('expires the entries that have it, on every instance at once', async () => {
    const other = cacheHandlers(createCache(site.db, { timeout: 60_000 }))
    await fill('key', 'old', { tags: ['a'] })
    expect(await textOf(await other.get('key', []))).toBe('old')
    await handler.updateTags(['a'])
    expect([await handler.get('key', []), await other.get('key', [])]).toEqual([undefined, undefined])
  })

  it('deletes nothing when it is read, so no read can delete a newer value', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'])
    const before = await site.cache.stats({ exact: true })
    expect(await handler.get('key', [])).toBeUndefined()
    expect(await site.cache.stats({ exact: true })).toEqual(before)
  })

  it('leaves other entries alone, and those filled after it', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await fill('other', 'kept', { tags: ['b'] })
    await handler.updateTags(['a'])
    await fill('key', 'new', { tags: ['a'] })
    expect([await textOf(await handler.get('key', [])), await textOf(await handler.get('other', []))]).toEqual([
      'new',
      'kept',
    ])
  })

  it('from the page expires an entry that does not have it', async () => {
    await fill('key', 'old')
    await handler.updateTags(['_N_T_/page'])
    expect(await textOf(await handler.get('key', ['_N_T_/other']))).toBe('old')
    expect(await handler.get('key', ['_N_T_/layout', '_N_T_/page'])).toBeUndefined()
  })

  it('distinguishes "/" and "/index"', async () => {
    await fill('key', 'old')
    await handler.updateTags(['_N_T_/index'])
    expect(await textOf(await handler.get('key', ['_N_T_/']))).toBe('old')
    expect(await handler.get('key', ['_N_T_/index'])).toBeUndefined()
  })

  it.each([
    ['a comma', 'a,b'],
    ['a separator', 'a|b\\c'],
    ['U+0000', 'a\u0000'],
    ['a lone surrogate', 'a\ud800'],
    ['non-Latin letters', 'é%2C漢'],
    ['many characters', 'x'.repeat(2_000)],
    ['a quote', `'"`],
  ])('may have %s, as an own tag and as one of the page', async (_, tag) => {
    await fill('own', 'old', { tags: [tag] })
    await fill('page', 'old')
    expect([await textOf(await handler.get('own', [tag])), await textOf(await handler.get('page', [tag]))]).toEqual([
      'old',
      'old',
    ])
    expect((await handler.get('own', []))?.tags).toEqual([tag])
    await handler.updateTags([tag])
    expect([await handler.get('own', []), await handler.get('page', [tag])]).toEqual([undefined, undefined])
  })

  it('can be invalidated by the cache itself as well', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await site.cache.invalidate('a')
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('is invalidated by any write to a watched table', async () => {
    await site.db.execute(sql`create table stock (id int primary key)`)
    await watchTables(site.db, 'stock')
    await fill('key', 'old', { tags: [tableTag('stock')] })
    expect(await textOf(await handler.get('key', []))).toBe('old')
    await site.db.execute(sql`insert into stock values (1)`)
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('invalidates other entries of the cache that have it', async () => {
    await site.cache.set('report', 1, { tags: ['a'] })
    await handler.updateTags(['a'])
    expect(await site.cache.get('report')).toBeUndefined()
  })

  it('is found in constant time among many', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => [`use#${i}`, 'x'] as const)
    await site.cache.namespace('next').setMany(many, { tags: ['next'] })
    expect(await costOf(site.faults, () => handler.updateTags(['a']))).toEqual(ONE)
    expect(await site.cache.count()).toBe(20_001)
  })
})

describe('a tag that is revalidated with a lifetime', () => {
  it('makes entries stale now, and each is served once more', async () => {
    await fill('own', 'old', { tags: ['a'] })
    await fill('page', 'old')
    await handler.updateTags(['a'], { expire: 60 })
    expect(await handler.get('own', [])).toMatchObject({ revalidate: -1 })
    expect(await handler.get('page', ['a'])).toMatchObject({ revalidate: -1 })
    expect(await handler.get('page', [])).toMatchObject({ revalidate: 900 })
  })

  it('expires them after that time', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'], { expire: 600 })
    await advance(site.db, 500_000)
    expect(await textOf(await handler.get('key', []))).toBe('old')
    await advance(site.db, 101_000)
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('leaves entries filled after it, before and after that time', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'], { expire: 60 })
    expect(await handler.get('key', [])).toMatchObject({ revalidate: -1 })
    await set('key', entryOf('new', { tags: ['a'] }))
    expect(await handler.get('key', [])).toMatchObject({ revalidate: 900 })
    await advance(site.db, 120_000)
    expect(await textOf(await handler.get('key', []))).toBe('new')
  })

  it('keeps them stale if the lifetime has no end', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'], {})
    await advance(site.db, 3_000_000)
    expect(await handler.get('key', [])).toMatchObject({ revalidate: -1 })
  })

  it('does not revive expired entries', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await fill('page', 'old')
    await handler.updateTags(['a'])
    await handler.updateTags(['a'], { expire: 3_600 })
    expect([await handler.get('key', []), await handler.get('page', ['a'])]).toEqual([undefined, undefined])
  })

  it('expires them at once with a lifetime of zero', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'], { expire: 0 })
    expect(await handler.get('key', [])).toBeUndefined()
  })
})

describe('a fill that is pending during a revalidation', () => {
  it.each([
    ['with an own tag', ['a'], []],
    ['with a tag of the page', [], ['a']],
  ] as const)('%s is stored as outdated', async (_, tags, softTags) => {
    expect(await handler.get('key', [...softTags])).toBeUndefined()
    const entry = entryOf('old', { tags: [...tags] })
    await cacheHandlers(createCache(site.db, { timeout: 60_000 })).updateTags(['a'])
    await set('key', entry)
    expect(await handler.get('key', [...softTags])).toBeUndefined()
  })

  it('with a lifetime is stored as stale', async () => {
    expect(await handler.get('key', [])).toBeUndefined()
    const entry = entryOf('old', { tags: ['a'] })
    await handler.updateTags(['a'], { expire: 60 })
    await set('key', entry)
    expect(await handler.get('key', [])).toMatchObject({ revalidate: -1 })
  })

  it('is as old as its own start, even if others read the database meanwhile', async () => {
    expect(await handler.get('key', [])).toBeUndefined()
    const entry = entryOf('old', { tags: ['a'] })
    await handler.updateTags(['a'])
    // A later read of the same process has a newer snapshot.
    expect(await handler.get('key', [])).toBeUndefined()
    await set('key', entry)
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('is compared by the database, whatever the clock of the application says', async () => {
    for (const offset of [-300_000, 300_000]) {
      await site.cache.clear()
      const skewed = performance.timeOrigin + performance.now() + offset
      const writer = cacheHandlers(site.cache)
      await fill('key', 'value', { tags: ['a'], timestamp: skewed, expire: 86_400 }, writer)
      expect(await textOf(await handler.get('key', ['b']))).toBe('value')
      await handler.updateTags(['a'])
      expect(await handler.get('key', [])).toBeUndefined()
    }
  })
})
