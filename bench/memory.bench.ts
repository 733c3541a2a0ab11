/** What does a hit in memory cost, and what does it cost that nobody holds what another reads? */
import { LRUCache } from 'lru-cache'
import { memoryCache } from 'pgstash'
import { it } from 'vitest'
import { compare } from './measure.ts'

const HITS = 200_000
const KEYS = Array.from({ length: 1_000 }, (_, i) => `user:${i}`)
const keyOf = (i: number) => KEYS[i % KEYS.length] as string

const SMALL = { id: 42, name: 'Ada Lovelace', admin: true }
const LARGE = Array.from({ length: 50 }, (_, i) => ({ id: i, name: `product ${i}`, tags: ['a', 'b'], price: i / 10 }))

const repeated = (work: (i: number) => Promise<unknown>, count = HITS) => ({
  async run() {
    for (let i = 0; i < count; i++) await work(i)
    return count
  },
})

it('hits, one awaited after another', async () => {
  const cache = memoryCache()
  const numbers = memoryCache()
  const listened = memoryCache({ onEvent: () => {} })
  for (const key of KEYS) {
    await cache.set(key, SMALL, { expiration: '1h' })
    await listened.set(key, SMALL)
    await numbers.set(key, 42)
  }
  await compare('hits in memory', [
    { name: 'an async function that does nothing', ...repeated(async () => undefined) },
    { name: 'a number', ...repeated((i) => numbers.get(keyOf(i))) },
    { name: 'a small object', ...repeated((i) => cache.get(keyOf(i))) },
    { name: 'a small object, sliding', ...repeated((i) => cache.get(keyOf(i), { sliding: 60 })) },
    { name: 'a small object, with a listener', ...repeated((i) => listened.get(keyOf(i))) },
    { name: 'has', ...repeated((i) => cache.has(keyOf(i))) },
    { name: 'a miss', ...repeated((i) => cache.get(`${i & 1023}`)) },
    { name: 'getOrSet, a hit', ...repeated((i) => cache.getOrSet(keyOf(i), 1), HITS / 10) },
    { name: 'increment', ...repeated((i) => numbers.increment(keyOf(i))) },
    { name: 'set', ...repeated((i) => cache.set(keyOf(i), SMALL)) },
  ])
})

for (const [name, value, count] of [
  ['three fields', SMALL, HITS],
  ['fifty objects', LARGE, HITS / 50],
] as const) {
  it(`values of one's own: ${name}`, async () => {
    const texts = new LRUCache<string, string>({ max: 10_000 })
    const values = new LRUCache<string, object>({ max: 10_000 })
    for (const key of KEYS) {
      texts.set(key, JSON.stringify(value))
      values.set(key, structuredClone(value))
    }
    await compare(`a value of one's own at each read: ${name}`, [
      { name: 'structuredClone', ...repeated(async (i) => structuredClone(values.get(keyOf(i))), count) },
      { name: 'JSON.parse of the text', ...repeated(async (i) => JSON.parse(texts.get(keyOf(i)) ?? ''), count) },
    ])
  })
}
