import { inspect } from 'node:util'
import { drizzle } from 'drizzle-orm/node-postgres'
import {
  type Cache,
  createCache,
  type ListedRow,
  memoryCache,
  type NodesError,
  nullCache,
  type PageReply,
  type ShardedCacheOptions,
  shardedCache,
  toReply,
} from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { joinPages } from '../../src/stores/sharded/joined.ts'
import { times } from '../fill/clients.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const KEYS = times(100_000, (i) => `user:${i}`)
const names = (count: number) => times(count, (i) => `node ${i}`)
const over = (nodes: readonly string[], options: Partial<ShardedCacheOptions> = {}) =>
  shardedCache({ nodes: Object.fromEntries(nodes.map((name) => [name, nullCache()])), ...options })

/** The share of the keys that moved to another node, and the share of these that moved to the named node. */
function moved(before: ReturnType<typeof over>, after: ReturnType<typeof over>, from: string | undefined, to?: string) {
  const changed = KEYS.filter((key) => before.getNode(key) !== after.getNode(key))
  const expected = changed.filter(
    (key) => (from === undefined || before.getNode(key) === from) && (to === undefined || after.getNode(key) === to),
  )
  return { share: changed.length / KEYS.length, asExpected: expected.length === changed.length }
}

describe('the node of a key', () => {
  it.each([2, 3, 10, 50])('is chosen evenly among %i nodes', (count) => {
    const counts = Object.values(over(names(count)).distribution(KEYS))
    const expected = KEYS.length / count
    // Chi-square: good hashing has the mean count − 1 and the standard deviation √(2(count − 1)).
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    expect(chiSquare).toBeLessThan(count - 1 + 4 * Math.sqrt(2 * (count - 1)))
  })

  it('is chosen evenly for keys that hardly differ', () => {
    for (const keys of [
      times(10_000, (i) => String(i)),
      times(10_000, (i) => 'x'.repeat(i % 500) + i),
      times(10_000, (i) => `${i}:settings:of:a:tenant`),
      times(10_000, (i) => String.fromCodePoint(0x4e00 + i)),
    ]) {
      const counts = Object.values(over(names(4)).distribution(keys))
      for (const count of counts) expect(Math.abs(count - 2_500)).toBeLessThan(200)
    }
  })

  it.each([
    [3, 4],
    [9, 10],
  ])('changes from %i to %i nodes only for the share of the new node', (few, more) => {
    const { share, asExpected } = moved(over(names(few)), over(names(more)), undefined, `node ${few}`)
    expect(asExpected).toBe(true)
    expect(Math.abs(share - 1 / more)).toBeLessThan(0.005)
  })

  it('changes for the keys of a removed node, which all others get evenly', () => {
    const left = names(5).filter((name) => name !== 'node 2')
    const { share, asExpected } = moved(over(names(5)), over(left), 'node 2')
    expect(asExpected).toBe(true)
    expect(Math.abs(share - 1 / 5)).toBeLessThan(0.005)
    for (const count of Object.values(over(left).distribution(KEYS))) expect(Math.abs(count - 25_000)).toBeLessThan(600)
  })

  it('follows weights, and a weight that grows moves only the keys that it gains', () => {
    const even = over(names(3))
    const heavy = over(names(3), { weights: { 'node 1': 2 } })
    const counts = heavy.distribution(KEYS)
    expect(Math.abs((counts['node 1'] ?? 0) / KEYS.length - 0.5)).toBeLessThan(0.01)
    expect(moved(even, heavy, undefined, 'node 1').asExpected).toBe(true)
  })

  it('is the same everywhere and forever, whatever the order of the nodes', () => {
    const some = ['user:1', 'ünïcode', '日本', '👩‍👩‍👧', 'x'.repeat(1_000)]
    const one = some.map((key) => over(['eu', 'us', 'asia']).getNode(key))
    const other = some.map((key) => over(['asia', 'us', 'eu']).getNode(key))
    expect(one).toEqual(other)
    expect(one).toEqual(PINNED)
  })

  it('depends on the namespace', () => {
    const cache = over(names(4))
    const nodes = new Set(times(50, (i) => cache.namespace(`tenant ${i}`).getNode('settings')))
    expect(nodes.size).toBe(4)
    expect(over(names(4), { namespace: 'app' }).getNode('key')).toBe(cache.namespace('app').getNode('key'))
  })

  it('is refused for an invalid key', () => {
    expect(() => over(names(2)).getNode('')).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
  })
})

/** Another result would make every stored key a miss, so it needs a new major version. */
const PINNED = ['asia', 'us', 'eu', 'asia', 'eu']

describe('a sharded cache', () => {
  const create = (options: Partial<ShardedCacheOptions> = {}) => {
    const nodes: Record<string, Cache> = { a: memoryCache(), b: memoryCache(), c: memoryCache() }
    return { nodes, cache: shardedCache({ nodes, ...options }) }
  }

  it('stores each key at its node, and sums up the results of the nodes', async () => {
    const { nodes, cache } = create()
    const keys = times(300, (i) => `key ${i}`)
    await cache.setMany(keys.map((key, i) => [key, i]))
    for (const key of keys) expect(await nodes[cache.getNode(key)]?.has(key)).toBe(true)
    const counts = Object.fromEntries(
      await Promise.all(Object.entries(nodes).map(async ([name, node]) => [name, await node.count()] as const)),
    )
    expect(counts).toEqual(cache.distribution(keys))
    expect(await cache.count()).toBe(300)
    expect([...(await cache.getMany(['key 7', 'none', 'key 3'])).entries()]).toEqual([
      ['key 7', 7],
      ['key 3', 3],
    ])
    expect(await cache.clear()).toBe(300)
  })

  it('lists all nodes in one order, including versions and nodes with their own namespaces', async () => {
    const nodes = { a: memoryCache({ namespace: 'x' }), b: memoryCache(), c: memoryCache({ namespace: 'longer' }) }
    const cache = shardedCache({ nodes })
    const places = [cache, cache.namespace('app'), cache.namespace('app', { version: 2 }), cache.namespace('@2')]
    for (const place of places) await place.setMany(times(20, (i) => [`${'aZ|\\@'[i % 5]}${i}`, i]))
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await cache.list({ limit: 7, cursor })
      seen.push(...page.entries.map(({ key, namespace }) => JSON.stringify([...namespace, key])))
      cursor = page.cursor
    } while (cursor !== undefined)
    const whole = (await cache.list({ limit: 1_000 })).entries.map(({ key, namespace }) =>
      JSON.stringify([...namespace, key]),
    )
    expect(seen).toEqual(whole)
    expect(new Set(seen).size).toBe(80)
  })

  it('lists third-party stores too, through the public interface alone', async () => {
    const foreign = () => Object.fromEntries(Object.entries(memoryCache())) as unknown as Cache
    const cache = shardedCache({ nodes: { a: foreign(), b: foreign(), c: memoryCache() } })
    await cache.setMany(times(50, (i) => [`key ${i}`, i]))
    const first = await cache.list({ limit: 30 })
    const second = await cache.list({ limit: 30, cursor: first.cursor })
    expect([first.entries.length, second.entries.length, second.cursor]).toEqual([30, 20, undefined])
    const keys = [...first.entries, ...second.entries].map(({ key }) => key)
    expect(keys).toEqual([...keys].sort())
    expect(await cache.getOrSet('key 1', 'other')).toBe(1)
  })

  it('takes a snapshot of all nodes, and treats a snapshot that lacks a node as older than all its entries', async () => {
    const { nodes, cache } = create()
    const keys = times(20, (i) => `key ${i}`)
    const asOf = await cache.snapshot()
    await cache.setMany(
      keys.map((key) => [key, 1]),
      { tags: ['tag'], asOf },
    )
    expect((await cache.getMany(keys)).size).toBe(20)
    await cache.invalidate('tag')
    await cache.setMany(
      keys.map((key) => [key, 2]),
      { tags: ['tag'], asOf },
    )
    expect((await cache.getMany(keys)).size).toBe(0)
    const grown = shardedCache({ nodes: { ...nodes, d: memoryCache() } })
    await grown.setMany(
      keys.map((key) => [key, 3]),
      { tags: ['new'], asOf },
    )
    for (const key of keys) expect(await grown.has(key)).toBe(grown.getNode(key) !== 'd')
    await grown.setMany(
      keys.map((key) => [key, 4]),
      { tags: ['new'], asOf: await memoryCache().snapshot() },
    )
    expect((await grown.getMany(keys)).size).toBe(0)
  })

  it('gives every node the tags of a generator that can be read only once', async () => {
    const { cache } = create()
    const keys = times(20, (i) => `key ${i}`)
    await cache.setMany(
      keys.map((key) => [key, 1]),
      { tags: new Set(['tag']).values() },
    )
    await cache.invalidate('tag')
    expect((await cache.getMany(keys)).size).toBe(0)
  })

  it('stores nothing of a batch that one node refuses', async () => {
    const { nodes, cache } = create()
    const entries = times(20, (i): [string, unknown] => [`key ${i}`, i === 13 ? 1n : i])
    await expect(cache.setMany(entries)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
    for (const node of Object.values(nodes)) expect(await node.count()).toBe(0)
  })

  it('refuses invalid nodes', () => {
    for (const options of [
      undefined,
      {},
      { nodes: {} },
      { nodes: [] },
      { nodes: { a: {} } },
      { nodes: { a: nullCache() }, weights: { b: 1 } },
      { nodes: { a: nullCache() }, weights: { a: 0 } },
      { nodes: { a: nullCache() }, weights: { a: 1.5 } },
      { nodes: { a: nullCache() }, onError: 'ignore' },
      { nodes: { a: nullCache() }, replicas: 2 },
    ] as unknown as ShardedCacheOptions[]) {
      expect(() => shardedCache(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })
})

describe('a node whose database is unreachable', () => {
  const create = (onError: 'throw' | 'miss') => {
    // Nothing listens on this port.
    const away = createCache(drizzle(createPool('postgresql://postgres@127.0.0.1:1/none')), { timeout: 60_000 })
    const cache = shardedCache({ nodes: { here: memoryCache(), away }, onError })
    const keys = times(20, (i) => `key ${i}`)
    return { cache, keys, here: keys.filter((key) => cache.getNode(key) === 'here') }
  }
  const DATABASE = { code: 'DATABASE' }

  it('rejects batches by default, once the other nodes are done', async () => {
    const { cache, keys, here } = create('throw')
    await expect(cache.setMany(keys.map((key) => [key, 1]))).rejects.toMatchObject(DATABASE)
    await expect(cache.getMany(keys)).rejects.toMatchObject(DATABASE)
    expect((await cache.getMany(here)).size).toBe(here.length)
    expect(here.length).toBeGreaterThan(0)
  })

  it('counts as a miss and drops writes with onError: miss, but rejects calls whose result must not be faked', async () => {
    const { cache, keys, here } = create('miss')
    await cache.setMany(keys.map((key) => [key, 1]))
    expect([...(await cache.getMany(keys)).keys()]).toEqual(here)
    await expect(cache.getMany([''])).rejects.toMatchObject({ code: 'INVALID_KEY' })
    const works = [
      () => cache.deleteMany(keys),
      () => cache.clear(),
      () => cache.count(),
      () => cache.invalidate('tag'),
    ]
    for (const work of works) {
      await expect(work()).rejects.toMatchObject(DATABASE)
    }
  })

  it('does not affect keys of other nodes', async () => {
    const { cache, here } = create('throw')
    for (const key of here) expect(await cache.getOrSet(key, 1)).toBe(1)
  })
})

describe('calls of all nodes, some of them unreachable', () => {
  const EXPIRED = `insert into cache_entries (key, expires_at, kept_until)
    select 'k' || i, now() - interval '1 hour', now() - interval '1 hour' from generate_series(1, 300) as i`

  /** Two nodes without a listening server, first and last, and between them two that work. */
  async function create() {
    const [pool, other] = await Promise.all([1, 2].map(async () => createPool(await createDatabase())))
    if (pool === undefined || other === undefined) throw new Error('Expected two pools.')
    for (const each of [pool, other]) await migrate(drizzle(each))
    const nowhere = drizzle(createPool('postgresql://postgres@127.0.0.1:1/none'))
    const unreachable = () => createCache(nowhere, { timeout: 60_000 })
    const nodes = {
      first: unreachable(),
      a: createCache(drizzle(pool), { timeout: 60_000 }),
      b: createCache(drizzle(other), { timeout: 60_000 }),
      last: unreachable(),
    }
    const rows = async () => {
      const counts = await Promise.all([pool, other].map((each) => each.query('select count(*) from cache_entries')))
      return counts.map((result) => Number(result.rows[0].count))
    }
    const expire = () => Promise.all([pool, other].map((each) => each.query(EXPIRED)))
    return { nodes, cache: shardedCache({ nodes }), rows, expire }
  }

  const failureOf = async (work: Promise<unknown>): Promise<NodesError> =>
    work.then(
      () => {
        throw new Error('Expected the call to fail.')
      },
      (error) => error,
    )

  it('clean up the other nodes, and name each that failed', async () => {
    const { cache, rows, expire } = await create()
    for (const options of [
      {},
      { batch: 50 },
      { batch: 50, onProgress() {} },
      { signal: new AbortController().signal },
    ]) {
      await expire()
      const error = await failureOf(cache.clearExpired(options))
      expect(error).toMatchObject({ name: 'NodesError', code: 'DATABASE', partial: { removed: 600, more: true } })
      expect([...error.failures.keys()]).toEqual(['first', 'last'])
      expect(error.message).toMatch(/^2 of 4 nodes failed: first, last\./)
      expect(await rows()).toEqual([0, 0])
    }
  })

  it('clean up the other nodes in one batch, if the time is up at once', async () => {
    const { cache, rows, expire } = await create()
    await expire()
    const error = await failureOf(cache.clearExpired({ batch: 100, timeBudget: 0 }))
    expect(error).toMatchObject({ partial: { removed: 100, more: true } })
    const [a = 0, b = 0] = await rows()
    expect([a + b, a < 300, b < 300]).toEqual([500, true, true])
  })

  it('clear, count and invalidate at the other nodes', async () => {
    const { nodes, cache, rows } = await create()
    for (const node of [nodes.a, nodes.b]) await node.setMany({ x: 1, y: 2 }, { tags: ['tag'] })
    expect(await failureOf(cache.count())).toMatchObject({ partial: 4 })
    expect(await failureOf(cache.stats())).toMatchObject({ partial: { total: 4, unexpired: 0, forever: 4 } })
    expect((await failureOf(cache.list())).partial).toBeUndefined()
    expect((await failureOf(cache.invalidate('tag'))).failures.size).toBe(2)
    expect([await nodes.a.count(), await nodes.b.count()]).toEqual([0, 0])
    expect(await failureOf(cache.clear())).toMatchObject({ partial: 4 })
    expect(await rows()).toEqual([0, 0])
  })

  it('show neither values nor results of the other nodes in the error', async () => {
    const { nodes } = await create()
    const cache = shardedCache({ nodes: { here: memoryCache(), first: nodes.first } })
    const keys = times(20, (i) => `key ${i}`)
    const error = await failureOf(cache.setMany(keys.map((key) => [key, 's3cret'])))
    expect(error.name).toBe('NodesError')
    expect(inspect(error, { depth: 10, showHidden: false })).not.toMatch(/s3cret|key 1/)
  })

  it('reject with the error of the node itself, if only one was called', async () => {
    const { cache, nodes } = await create()
    const one = times(20, (i) => `key ${i}`).find((key) => cache.getNode(key) === 'first') ?? ''
    await expect(cache.set(one, 1)).rejects.toMatchObject({ name: 'DatabaseError' })
    await expect(shardedCache({ nodes: { only: nodes.first } }).clear()).rejects.toMatchObject({
      name: 'DatabaseError',
    })
  })

  it('count as an outage for the store above', async () => {
    const { cache } = await create()
    const soft = shardedCache({ nodes: { all: cache }, onError: 'miss' })
    expect((await soft.getMany(times(20, (i) => `key ${i}`))).size).toBe(0)
  })

  it('call each of the other nodes once, whatever fails', async () => {
    const nodes = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, memoryCache()]))
    const bug = {
      ...Object.fromEntries(Object.entries(memoryCache())),
      clearExpired: () => Promise.reject(new TypeError('a bug')),
    } as unknown as Cache
    const cache = shardedCache({ nodes: { bug, ...nodes } })
    const error = await failureOf(cache.clearExpired())
    expect(error).toMatchObject({ name: 'NodesError', code: 'NODES', partial: { removed: 0, more: true } })
    expect(error.failures.get('bug')).toBeInstanceOf(TypeError)
  })
})

describe('clearExpired over namespaces with more entries than one statement reads', () => {
  it('ends if there is nothing to delete, and deletes invalidated entries', async () => {
    const pool = createPool(await createDatabase())
    await migrate(drizzle(pool))
    const node = createCache(drizzle(pool), { namespace: 'ns' })
    await node.setMany(times(100, (i) => [`k${i}`, i] as const))
    await node.set('z', 1, { tags: ['gone'] })
    await node.invalidate('gone')
    const cache = shardedCache({ nodes: { node } })
    expect(await cache.clearExpired({ batch: 5 })).toEqual({ removed: 1, more: false })
    expect(await cache.clearExpired({ batch: 5 })).toEqual({ removed: 0, more: false })
  })
})

describe('a page for which a node read only a part of its entries', () => {
  const row = (key: string): ListedRow => ({
    ...{ key, state: 'live', expiresAt: null, tags: [], bytes: 1 },
    ...{ createdAt: new Date(0), updatedAt: new Date(0) },
  })
  const page = (keys: string, next?: string): PageReply => ({ ...toReply([...keys].map(row)), next })
  const join = (limit: number, ...pages: PageReply[]) => {
    const parts = pages.map((reply, i) => ({ node: String(i), reply, hasFailed: false }))
    const { value, next } = joinPages(parts, limit)
    return [value.map(({ key }) => key).join(''), next]
  }

  it('ends where that node stopped, because the node may have entries before those of the others', () => {
    expect(join(10, page('acz'), page('b', 'm'))).toEqual(['abc', 'm'])
    expect(join(10, page('', 'd'), page('', 'c'))).toEqual(['', 'c'])
    expect(join(10, page('adz', undefined), page(''))).toEqual(['adz', undefined])
  })

  it('ends earlier if it is full, so that its own last key is the cursor', () => {
    expect(join(2, page('abc'), page('d', 'm'))[0]).toBe('abc')
  })
})
