/** The behaviours that unstorage checks in its own drivers, on Postgres through HTTP. */
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { unstorageDriver } from 'pgstash/unstorage'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { type Storage, VERSIONS } from './versions.ts'

let cache: Cache

beforeAll(async () => {
  const { db } = await createNeon(await createDatabase())
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
})

beforeEach(async () => {
  await cache.clear()
})

describe.each(VERSIONS)('a storage of unstorage %s', (_version, { createStorage, restoreSnapshot }) => {
  let storage: Storage

  beforeEach(() => {
    storage = createStorage({ driver: unstorageDriver({ cache }) })
  })

  it('begins empty', async () => {
    expect(await storage.hasItem('s1:a')).toBe(false)
    expect(await storage.getItem('s2:a')).toBe(null)
    expect(await storage.getKeys()).toEqual([])
  })

  it('takes a snapshot', async () => {
    await restoreSnapshot(storage, { initial: 'works' })
    expect(await storage.getItem('initial')).toBe('works')
  })

  it('keeps items, and ignores a query in their keys', async () => {
    for (const key of ['s1:a', 's2:a', 's3:a?q=1']) await storage.setItem(key, 'text')
    expect(await storage.hasItem('s1:a')).toBe(true)
    expect(await storage.getItem('s1:a')).toBe('text')
    expect(await storage.getItem('s3:a?q=2')).toBe('text')
  })

  it('lists all keys, and those below a base', async () => {
    for (const key of ['s1:a', 's2:a', 's3:a?q=1']) await storage.setItem(key, 'text')
    expect((await storage.getKeys()).sort()).toEqual(['s1:a', 's2:a', 's3:a'])
    expect(await storage.getKeys('s1')).toEqual(['s1:a'])
  })

  it('lists keys to a depth', async () => {
    const deepest = ['d0:d1:d2_0', 'd0:d1:d2_1']
    const middle = ['d0:d1_0', 'd0:d1_1']
    for (const key of ['d0_0', ...middle, ...deepest]) await storage.setItem(key, 'text')
    const keys = async (maxDepth: number) => (await storage.getKeys(undefined, { maxDepth })).sort()
    expect(await keys(0)).toEqual(['d0_0'])
    expect(await keys(1)).toEqual([...middle, 'd0_0'])
    expect(await keys(2)).toEqual([...deepest, ...middle, 'd0_0'])
  })

  it('returns an object unchanged', async () => {
    await storage.setItem('/data/test.json', { json: 'works' })
    expect(await storage.getItem('/data/test.json')).toEqual({ json: 'works' })
  })

  it('returns a primitive unchanged', async () => {
    await storage.setItem('/data/true.json', true)
    expect(await storage.getItem('/data/true.json')).toBe(true)
  })

  it('stores the result of toJSON', async () => {
    await storage.setItem('text', { toJSON: () => 'unused' })
    await storage.setItem('instance', Object.assign(Object.create({ toJSON: () => ({ from: 'instance' }) }), { a: 1 }))
    expect(await storage.getItem('instance')).toEqual({ from: 'instance' })
  })

  it('refuses an instance of a class', async () => {
    class Unknown {}
    await expect(storage.setItem('bad', new Unknown())).rejects.toThrow('Cannot stringify value')
    expect(await storage.hasItem('bad')).toBe(false)
  })

  it('returns bytes unchanged', async () => {
    const bytes = new Uint8Array([1, 2, 3])
    await storage.setItemRaw('/data/raw.bin', bytes)
    expect(await storage.getItemRaw('/data/raw.bin')).toEqual(bytes)
  })

  it('sets several items at once', async () => {
    await storage.setItems([1, 2, 3].map((n) => ({ key: `t:${n}`, value: `text ${n}` })))
    for (const n of [1, 2, 3]) expect(await storage.getItem(`t:${n}`)).toBe(`text ${n}`)
  })

  it('gets several items at once, in the requested order, with null for a miss', async () => {
    await storage.setItem('v3:a?q=1', 'third')
    await storage.setItem('v2:a', 'second')
    await storage.setItem('v1:a', 'first')
    expect(await storage.getItems([{ key: 'v1:a' }, 'v2:a', { key: 'v3:a?q=1' }, 'v4:undefined'])).toEqual([
      { key: 'v1:a', value: 'first' },
      { key: 'v2:a', value: 'second' },
      { key: 'v3:a', value: 'third' },
      { key: 'v4:undefined', value: null },
    ])
  })

  it('returns falsy values unchanged', async () => {
    for (const [key, value] of Object.entries({ zero: 0, no: false })) {
      await storage.setItem(key, value)
      expect(await storage.getItem(key)).toBe(value)
      expect(await storage.hasItem(key)).toBe(true)
    }
  })

  it('removes an item', async () => {
    await storage.setItem('s1:a', 'text')
    await storage.removeItem('s1:a', false)
    expect(await storage.hasItem('s1:a')).toBe(false)
    expect(await storage.getItem('s1:a')).toBe(null)
  })

  it('clears itself, empty or not', async () => {
    await storage.setItem('a', 'text')
    for (let i = 0; i < 2; i++) {
      await storage.clear()
      expect(await storage.getKeys()).toEqual([])
    }
    await storage.dispose()
  })
})
