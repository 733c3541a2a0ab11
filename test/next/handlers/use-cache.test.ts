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

/** A computation as Next runs it: a miss, then the value, then `set`. */
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

  it('may have an infinite lifetime', async () => {
    await set('key', entryOf('x', { stale: Number.POSITIVE_INFINITY, expire: Number.POSITIVE_INFINITY, revalidate: 1 }))
    expect(await handler.get('key', [])).toMatchObject({
      expire: Number.POSITIVE_INFINITY,
      stale: Number.POSITIVE_INFINITY,
    })
  })

  it('returns a new stream each time', async () => {
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

  it('is stored under its whole key, whatever that holds', async () => {
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

  it('is served past revalidate, so that Next refreshes it in the background', async () => {
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

  it('is deleted by cleanup after the retention, even if Next says forever', async () => {
    const short = cacheHandlers(site.cache, { retention: '1h' })
    await set('of an old build', entryOf('x', { expire: Number.POSITIVE_INFINITY }), short)
    await advance(site.db, 3_700_000)
    await site.cache.clearExpired()
    expect(await site.cache.stats({ exact: true })).toMatchObject({ total: 0 })
  })

  it('is deleted before the revalidations that affect it, which cleanup deletes as well', async () => {
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

  it('keeps the old value if the new stream fails half-way', async () => {
    await set('key', entryOf('old'))
    const value = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      pull: (controller) => controller.error(new Error('lost')),
    })
    await set('key', entryOf('', { value }))
    expect(await textOf(await handler.get('key', []))).toBe('old')
  })

  it('keeps the old value if the computation fails', async () => {
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

  it('costs nothing for the calls of Next before the first read', async () => {
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
  it('is awaited by a get of its key, which returns its own stream', async () => {
    const gate = createGate()
    const entry = gate.opened.then(() => entryOf('new'))
    const pending = handler.set('key', entry)
    const found = handler.get('key', [])
    gate.open()
    expect([await textOf(await found), await pending]).toEqual(['new', undefined])
  })

  it('does not delay gets of other keys', async () => {
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

describe('both versions of Next', () => {
  it('15.5 passes each tag to expireTags', async () => {
    await fill('one', 'old', { tags: ['a'] })
    await fill('two', 'old', { tags: ['b'] })
    await handler.expireTags('a', 'b')
    expect([await handler.get('one'), await handler.get('two')]).toEqual([undefined, undefined])
  })

  it('send one statement for all handlers of a cache that are called together', async () => {
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

  it('do nothing for no tags', async () => {
    expect(await costOf(site.faults, () => handler.updateTags([]))).toEqual({ requests: 0, statements: 0 })
  })
})
