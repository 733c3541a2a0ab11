/** No two readers share a value, in any store that answers from memory. */
import fc from 'fast-check'
import {
  type Cache,
  type Codec,
  cacheOver,
  compressingCodec,
  createCacheManager,
  devalueCodec,
  memoryCache,
  type Row,
  type Store,
  shardedCache,
  tieredCache,
  toReply,
} from 'pgstash'
import { describe, expect, it } from 'vitest'
import { damage, expectApart, expectSame, jsonValues, parsed } from './json-values.ts'

const tiered = () => tieredCache({ l1: memoryCache(), l2: memoryCache() })

const CACHES: Record<string, () => Cache> = {
  'a memory cache': () => memoryCache(),
  'a memory cache with a listener': () => memoryCache({ onEvent() {} }),
  'a namespace': () => memoryCache({ namespace: 'a' }).namespace('b'),
  'a tiered cache': tiered,
  'three tiers': () => tieredCache({ l1: memoryCache(), l2: tiered() }),
  'a sharded cache': () => shardedCache({ nodes: { a: memoryCache(), b: memoryCache() } }),
  'a manager': () => createCacheManager({ default: 'memory', stores: { memory: memoryCache() } }),
  'a store of a manager': () =>
    createCacheManager({ default: 'memory', stores: { memory: memoryCache(), tiered: tiered() } }).store('tiered'),
  'a memory cache with a codec of its own': () => memoryCache({ codec: compressingCodec({ threshold: 1 }) }),
}

const READS: ((cache: Cache) => Promise<unknown>)[] = [
  (cache) => cache.get('key'),
  async (cache) => (await cache.getMany(['other', 'key'])).get('key'),
  (cache) => cache.getOrSet('key', () => Promise.reject(new Error('computed'))),
  (cache) => cache.entry('key').value(),
  (cache) => cache.get('key', { sliding: 60 }),
  (cache) => cache.getOrSet('key', 'computed', { expiration: 60, sliding: true }),
]

describe.each(Object.entries(CACHES))('%s', (_, create) => {
  it('gives each reader its own copy, however it reads and whatever other readers did with theirs', async () => {
    const reads = fc.array(fc.constantFrom(...READS), { minLength: 4, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(jsonValues, jsonValues, reads, async (value, newer, calls) => {
        const cache = create()
        for (const each of [value, newer]) {
          await cache.set('key', each, { expiration: 60 })
          const expected = parsed(each)
          let before: unknown
          for (const call of calls) {
            const found = await call(cache)
            expectSame(found, expected)
            expectApart(before, found)
            before = found
            damage(found)
          }
          expectSame(await cache.pull('key'), expected)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('gives concurrent readers separate copies', async () => {
    const cache = create()
    await cache.set('key', { list: [{ n: 1 }] })
    for (let i = 0; i < 3; i++) {
      const values = await Promise.all([...READS, ...READS].slice(0, 8).map((read) => read(cache)))
      for (const value of values) expect(value).toEqual({ list: [{ n: 1 }] })
      for (const [j, value] of values.entries()) for (const other of values.slice(j + 1)) expectApart(value, other)
    }
  })
})

describe('a custom codec', () => {
  it('decodes at each read of a memory cache', async () => {
    let decoded = 0
    const codec: Codec = { encode: (value) => JSON.stringify(value), decode: (text) => [JSON.parse(text), ++decoded] }
    const cache = memoryCache({ codec })
    await cache.set('key', ['value'])
    for (let i = 1; i <= 4; i++) expect(await cache.get('key')).toEqual([['value'], i])
  })

  it('may return Maps, Sets, Dates and cycles, which no two readers share', async () => {
    const cache = memoryCache({ codec: devalueCodec })
    const list: unknown[] = [new Date(5)]
    list.push(list)
    await cache.set('key', { map: new Map([['a', new Set([1])]]), list })
    for (let i = 0; i < 4; i++) {
      const found = await cache.get<{ map: Map<string, Set<number>>; list: [Date, unknown] }>('key')
      expect(found?.map).toEqual(new Map([['a', new Set([1])]]))
      expect([found?.list[0].getTime(), found?.list[1] === found?.list]).toEqual([5, true])
      found?.map.get('a')?.add(2)
      found?.list[0].setTime(0)
    }
  })
})

describe('a custom store', () => {
  /** A cache over a store that returns one row, again and again. */
  function cacheOf(row: Row): Cache {
    const read = () => toReply<Row | undefined>(row)
    const rest = new Proxy({}, { get: () => () => toReply(undefined) }) as Store
    const methods = Object.fromEntries(STORE_METHODS.map((name) => [name, rest[name]]))
    return cacheOver({ ...methods, isLocal: true, read } as unknown as Store)
  }
  const STORE_METHODS = [
    ...(['readMany', 'has', 'deadline', 'write', 'add', 'touch', 'count', 'limit', 'remove', 'take', 'clear'] as const),
    ...(['sweep', 'invalidate', 'snapshot', 'size', 'stats', 'list', 'readOrClaim', 'fill', 'release'] as const),
  ]

  it('may return frozen rows, on which nothing is noted', async () => {
    const row = Object.freeze({ value: '{"a":[1]}', number: null })
    const cache = cacheOf(row)
    for (let i = 0; i < 4; i++) {
      const found = await cache.get('key')
      expect(found).toEqual({ a: [1] })
      damage(found)
    }
  })

  it('may change the text of a row that holds a decoded copy', async () => {
    const row = { value: '{"a":[1]}', number: null, decoded: undefined as unknown }
    const cache = cacheOf(row)
    for (let i = 0; i < 3; i++) expect(await cache.get('key')).toEqual({ a: [1] })
    expect(row.decoded).toBeTypeOf('object')
    row.value = '{"b":[1]}'
    for (let i = 0; i < 4; i++) expect(await cache.get('key')).toEqual({ b: [1] })
  })

  it('may refuse copies with null, and then none are made', async () => {
    const notes: unknown[] = []
    const row = {
      value: '[1]',
      number: null,
      get decoded() {
        return null
      },
      set decoded(note: unknown) {
        notes.push(note)
      },
    }
    const cache = cacheOf(row)
    for (let i = 0; i < 3; i++) expect(await cache.get('key')).toEqual([1])
    expect(notes).toEqual([])
  })
})
