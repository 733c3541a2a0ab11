/** Names that every object inherits. They must work like any other name. */
import { integer, pgTable, primaryKey } from 'drizzle-orm/pg-core'
import { createCacheManager, memoryCache, shardedCache } from 'pgstash'
import { rowTag } from 'pgstash/drizzle'
import { describe, expect, it } from 'vitest'

const NAMES = ['constructor', 'toString', '__proto__', 'hasOwnProperty']

/** An object with these own fields, including `__proto__`. */
const fields = <T>(value: (name: string) => T): Record<string, T> =>
  Object.fromEntries(NAMES.map((name) => [name, value(name)]))

describe.each(NAMES)('the name %s', (name) => {
  it('can be the name of a store', async () => {
    const caches = createCacheManager({ default: name, stores: fields(() => memoryCache()) })
    await caches.store(name).set('key', name)
    expect(await caches.get('key')).toBe(name)
    expect(() => createCacheManager({ default: 'a', stores: { a: memoryCache() } }).store(name)).toThrow('a')
  })

  it('can be the name of a node, with or without a weight', async () => {
    for (const weights of [undefined, {}, fields(() => 2)]) {
      const cache = shardedCache({ nodes: fields(() => memoryCache()), ...(weights && { weights }) })
      await cache.set('key', 1)
      expect(await cache.get('key')).toBe(1)
      const { [name]: share } = cache.distribution(Array.from({ length: 200 }, (_, i) => `key ${i}`))
      expect(share).toBeGreaterThan(0)
    }
  })

  it('can be the name of a namespace and of a key', async () => {
    const cache = memoryCache().namespace(name)
    await cache.setMany(fields((key) => key))
    expect(await cache.get(name)).toBe(name)
    expect(await cache.getMany(NAMES)).toEqual(new Map(NAMES.map((key) => [key, key])))
    expect(await memoryCache().namespace(name).get(name)).toBe(undefined)
  })

  it('is not a column of a row that lacks it', () => {
    const columns = { id: integer('id'), other: integer(name) }
    const table = pgTable('rows', columns, (t) => [primaryKey({ columns: [t.id, t.other] })])
    expect(() => rowTag(table, { id: 1 } as never)).toThrow()
    expect(rowTag(table, { id: 1, [name]: 2, other: 2 } as never)).toBe('row:public.rows:1,2')
  })
})
