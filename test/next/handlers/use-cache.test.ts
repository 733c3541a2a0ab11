import { sql } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { tableTag, watchTables } from 'pgstash/drizzle'
import { cacheHandlers, type UseCacheEntry, type UseCacheHandler } from 'pgstash/next'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGate } from '../../setup/gate.ts'
import { advance } from '../../setup/postgres-store.ts'
import { bytesOf, costOf, createSite, entryOf, ONE, type Site, streamOf, textOf } from './site.ts'

const DAY_MS = 24 * 3_600_000

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

/** A computation as Next runs one: a miss, then the value, then `set`. */
async function fill(key: string, value: string, fields: Partial<UseCacheEntry> = {}, to = handler): Promise<void> {
  expect(await to.get(key, [])).toBeUndefined()
  await set(key, entryOf(value, fields), to)
}

describe('an entry of "use cache"', () => {
  it('comes back with its tags, times and bytes', async () => {
    const bytes = Uint8Array.from({ length: 1_024 }, (_, i) => i % 256)
    const entry = entryOf(bytes, { tags: ['a', '_N_RP_locale'], stale: 1, expire: 7_200, revalidate: 2 })
    await set('key', entry)
    const found = await handler.get('key', [])
    const { value: _, ...rest } = entry
    expect(found).toEqual({ ...rest, value: expect.any(ReadableStream) })
    expect(await bytesOf(found)).toEqual(bytes)
  })

  it('keeps a lifetime that is infinite', async () => {
    await set('key', entryOf('x', { stale: Number.POSITIVE_INFINITY, expire: Number.POSITIVE_INFINITY, revalidate: 1 }))
    expect(await handler.get('key', [])).toMatchObject({
      expire: Number.POSITIVE_INFINITY,
      stale: Number.POSITIVE_INFINITY,
    })
  })

  it('is answered with a new stream each time', async () => {
    await set('key', entryOf('body'))
    const [one, two] = [await handler.get('key', []), await handler.get('key', [])]
    expect([await textOf(one), await textOf(two)]).toEqual(['body', 'body'])
  })

  it('has a stream of several chunks, and may be empty', async () => {
    await set('many', entryOf('', { value: streamOf('a', 'b', 'c') }))
    await set('none', entryOf('', { value: streamOf() }))
    expect([await textOf(await handler.get('many', [])), await textOf(await handler.get('none', []))]).toEqual([
      'abc',
      '',
    ])
  })

  it('is stored by its whole key, whatever that holds', async () => {
    const keys = [
      '',
      '\u0000',
      '\ud800',
      '\udfff',
      'a|b',
      'a\\b',
      'é',
      'x'.repeat(1_000_000),
      `${'x'.repeat(1_000_000)}y`,
    ]
    for (const [i, key] of keys.entries()) await set(key, entryOf(String(i)))
    const found = await Promise.all(keys.map(async (key) => textOf(await handler.get(key, []))))
    expect(found).toEqual(keys.map((_, i) => String(i)))
  })

  it('is served past revalidate, so that Next refreshes it behind the answer', async () => {
    const timestamp = performance.timeOrigin + performance.now() - 60_000
    await set('key', entryOf('old', { timestamp, revalidate: 1, expire: 3_600 }))
    expect(await handler.get('key', [])).toMatchObject({ revalidate: 1, timestamp })
  })

  it('expires by the age of its data, not by the time of the write', async () => {
    const timestamp = performance.timeOrigin + performance.now() - 50_000
    await set('key', entryOf('old', { timestamp, expire: 60 }))
    await advance(site.db, 11_000)
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it.each([0, -1])('is not stored with expire %s', async (expire) => {
    await set('key', entryOf('x', { expire }))
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('is removed by cleanup after the retention, also if Next says forever', async () => {
    const short = cacheHandlers(site.cache, { retention: '1h' })
    await set('of an old build', entryOf('x', { expire: Number.POSITIVE_INFINITY }), short)
    await advance(site.db, 3_700_000)
    await site.cache.clearExpired()
    expect(await site.cache.stats({ exact: true })).toMatchObject({ total: 0 })
  })

  it('is forgotten before the revalidations that concern it, which cleanup removes as well', async () => {
    await fill('key', 'x', { tags: ['a'], expire: Number.POSITIVE_INFINITY })
    await handler.updateTags(['a'], {})
    const total = async () => (await site.cache.stats({ exact: true })).total
    await advance(site.db, 30 * DAY_MS + 1_000)
    await site.cache.clearExpired()
    expect(await total()).toBe(1)
    await advance(site.db, DAY_MS)
    await site.cache.clearExpired()
    expect(await total()).toBe(0)
  })

  it('keeps what was there if the new stream fails after a part', async () => {
    await set('key', entryOf('old'))
    const value = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      pull: (controller) => controller.error(new Error('lost')),
    })
    await set('key', entryOf('', { value }))
    expect(await textOf(await handler.get('key', []))).toBe('old')
  })

  it('keeps what was there if the computation fails', async () => {
    await set('key', entryOf('old'))
    await handler.set('key', Promise.reject(new Error('failed')))
    expect(await textOf(await handler.get('key', []))).toBe('old')
  })

  it('costs one round trip to read, hit or miss, with all tags, and one to write', async () => {
    await set('key', entryOf('x', { tags: ['a', 'b', 'c'] }))
    const softTags = Array.from({ length: 20 }, (_, i) => `_N_T_/${i}`)
    for (const key of ['key', 'missing']) {
      expect(await costOf(site.faults, () => handler.get(key, softTags))).toEqual(ONE)
    }
    expect(await costOf(site.faults, () => set('key', entryOf('y', { tags: ['a'] })))).toEqual(ONE)
    expect(await costOf(site.faults, () => handler.updateTags(['a', 'b']))).toEqual(ONE)
    expect(await costOf(site.faults, () => handler.updateTags(['a', 'b'], { expire: 60 }))).toEqual(ONE)
  })

  it('costs nothing for what Next asks before the first read', async () => {
    const ask = async () => [
      await handler.refreshTags(),
      await handler.getExpiration(['a']),
      await handler.getExpiration('a'),
    ]
    expect(await costOf(site.faults, ask)).toEqual({ requests: 0, statements: 0 })
    expect(await handler.getExpiration(['a'])).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a pending set', () => {
  it('is awaited by a get of its key, which answers with a stream of its own', async () => {
    const gate = createGate()
    const entry = gate.opened.then(() => entryOf('new'))
    const pending = handler.set('key', entry)
    const found = handler.get('key', [])
    gate.open()
    expect([await textOf(await found), await pending]).toEqual(['new', undefined])
  })

  it('leaves gets of other keys alone', async () => {
    const gate = createGate()
    const pending = handler.set(
      'key',
      gate.opened.then(() => entryOf('new')),
    )
    expect(await handler.get('other', [])).toBeUndefined()
    gate.open()
    await pending
  })

  it('that fails does not block its key', async () => {
    const pending = handler.set('key', Promise.reject(new Error('failed')))
    expect(await handler.get('key', [])).toBeUndefined()
    await pending
    await fill('key', 'new')
    expect(await textOf(await handler.get('key', []))).toBe('new')
  })
})

describe('a revalidated tag', () => {
  it('expires the entries that have it, on every instance at once', async () => {
    const other = cacheHandlers(createCache(site.db, { timeout: 60_000 }))
    await fill('key', 'old', { tags: ['a'] })
    expect(await textOf(await other.get('key', []))).toBe('old')
    await handler.updateTags(['a'])
    expect([await handler.get('key', []), await other.get('key', [])]).toEqual([undefined, undefined])
  })

  it('removes nothing by being read, so that no read can remove a newer value', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'])
    const before = await site.cache.stats({ exact: true })
    expect(await handler.get('key', [])).toBeUndefined()
    expect(await site.cache.stats({ exact: true })).toEqual(before)
  })

  it('leaves other entries alone, and those that are filled after it', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await fill('other', 'kept', { tags: ['b'] })
    await handler.updateTags(['a'])
    await fill('key', 'new', { tags: ['a'] })
    expect([await textOf(await handler.get('key', [])), await textOf(await handler.get('other', []))]).toEqual([
      'new',
      'kept',
    ])
  })

  it('of the page expires an entry that does not have it', async () => {
    await fill('key', 'old')
    await handler.updateTags(['_N_T_/page'])
    expect(await textOf(await handler.get('key', ['_N_T_/other']))).toBe('old')
    expect(await handler.get('key', ['_N_T_/layout', '_N_T_/page'])).toBeUndefined()
  })

  it('tells "/" and "/index" apart', async () => {
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
    ['other letters', 'é%2C漢'],
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

  it('is invalidated by the cache itself as well', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await site.cache.invalidate('a')
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('is invalidated by whoever writes a watched table', async () => {
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
  it('makes entries stale now, for one more answer each', async () => {
    await fill('own', 'old', { tags: ['a'] })
    await fill('page', 'old')
    await handler.updateTags(['a'], { expire: 60 })
    expect(await handler.get('own', [])).toMatchObject({ revalidate: -1 })
    expect(await handler.get('page', ['a'])).toMatchObject({ revalidate: -1 })
    expect(await handler.get('page', [])).toMatchObject({ revalidate: 900 })
  })

  it('expires them after that time', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'], { expire: 60 })
    await advance(site.db, 59_000)
    expect(await textOf(await handler.get('key', []))).toBe('old')
    await advance(site.db, 2_000)
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('leaves what is filled after it, before and after that time', async () => {
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

  it('does not bring back what had expired', async () => {
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

describe('a fill that is under way during a revalidation', () => {
  it.each([
    ['of an own tag', ['a'], []],
    ['of a tag of the page', [], ['a']],
  ] as const)('%s is stored as old', async (_, tags, softTags) => {
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

  it('is as old as its own start, also if others read the database meanwhile', async () => {
    expect(await handler.get('key', [])).toBeUndefined()
    const entry = entryOf('old', { tags: ['a'] })
    await handler.updateTags(['a'])
    // A later read of the same process has a newer snapshot.
    expect(await handler.get('key', [])).toBeUndefined()
    await set('key', entry)
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('is judged by the database, whatever the clock of the application says', async () => {
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

describe('both versions of Next', () => {
  it('15.5 passes each tag to expireTags', async () => {
    await fill('one', 'old', { tags: ['a'] })
    await fill('two', 'old', { tags: ['b'] })
    await handler.expireTags('a', 'b')
    expect([await handler.get('one'), await handler.get('two')]).toEqual([undefined, undefined])
  })

  it('send one statement for all handlers of a cache that are called at once', async () => {
    const other = cacheHandlers(site.cache)
    const all = () => Promise.all([handler.updateTags(['a']), other.updateTags(['a']), handler.expireTags('a')])
    expect(await costOf(site.faults, all)).toEqual(ONE)
  })

  it('send a statement for each tick', async () => {
    await fill('key', 'old', { tags: ['a'] })
    await handler.updateTags(['a'])
    await fill('key', 'new', { tags: ['a'] })
    await handler.updateTags(['a'])
    expect(await handler.get('key', [])).toBeUndefined()
  })

  it('call nothing for no tags', async () => {
    expect(await costOf(site.faults, () => handler.updateTags([]))).toEqual({ requests: 0, statements: 0 })
  })
})
