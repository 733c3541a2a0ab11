/** What does a hit in memory cost, and what does it cost that each reader gets a value of its own? */
import { LRUCache } from 'lru-cache'
import { memoryCache, tieredCache } from 'pgstash'
import { it } from 'vitest'
import { JsonCopies } from '../src/values/json-copies.ts'
import { compare } from './measure.ts'

const HITS = 200_000
const BATCH = 50
const KEYS = Array.from({ length: 1_000 }, (_, i) => `user:${i}`)
const keyOf = (i: number) => KEYS[i % KEYS.length] as string

const SMALL = { id: 42, name: 'Ada Lovelace', admin: true }
/** 900 characters of JSON each. */
const VALUES: Record<string, unknown> = {
  'a string': 'x'.repeat(898),
  'a long text in an object': { id: 42, text: 'x'.repeat(882) },
  'numbers in an array': Array.from({ length: 180 }, (_, i) => 1_000 + i),
  'thirty fields': Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`field ${i}`, i % 2 ? i / 8 : 'some words of text']),
  ),
  'a product': {
    id: 12_345,
    name: 'A chair of oak and leather',
    price: { amount: 129.95, currency: 'EUR' },
    stock: ['Berlin', 'Madrid', 'Oslo'].map((city, count) => ({ city, count })),
    tags: ['furniture', 'chair', 'oak', 'leather'],
    size: { width: 55.5, height: 92, depth: 60.25 },
    active: true,
    replacedBy: null,
    description: 'x'.repeat(480),
    seller: { id: 77, name: 'Oak & Co.', address: { city: 'Berlin', zip: '10115' } },
  },
  'fifteen objects': Array.from({ length: 15 }, (_, i) => ({
    id: i,
    name: `product ${i}`,
    tags: ['a', 'b'],
    price: i / 8,
  })),
}

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
  const tiered = tieredCache({ l1: memoryCache(), l2: memoryCache(), l1Expiration: '1h' })
  for (const key of KEYS) {
    await cache.set(key, SMALL, { expiration: '1h' })
    await listened.set(key, SMALL)
    await tiered.set(key, SMALL)
    await numbers.set(key, 42)
  }
  const shop = await filled(memoryCache().namespace('shop'), 42)
  await compare('hits in memory', [
    { name: 'an async function that does nothing', ...repeated(async () => undefined) },
    { name: 'a number', ...repeated((i) => numbers.get(keyOf(i))) },
    { name: 'a number, in a namespace', ...repeated((i) => shop.get(keyOf(i))) },
    { name: 'a small object with a deadline', ...repeated((i) => cache.get(keyOf(i))) },
    { name: 'a small object with a deadline, sliding', ...repeated((i) => cache.get(keyOf(i), { sliding: 60 })) },
    { name: 'a small object, with a listener', ...repeated((i) => listened.get(keyOf(i))) },
    { name: 'a small object in the first of two tiers', ...repeated((i) => tiered.get(keyOf(i))) },
    { name: 'has', ...repeated((i) => cache.has(keyOf(i))) },
    { name: 'a miss', ...repeated((i) => cache.get(`${i & 1023}`)) },
    { name: 'getOrSet, a hit', ...repeated((i) => cache.getOrSet(keyOf(i), 1), HITS / 4) },
    {
      name: 'getOrSet, a hit in the first of two tiers',
      ...repeated((i) => tiered.getOrSet(keyOf(i), 1), HITS / 4),
    },
    { name: 'getMany, each of 50', ...batches((keys) => cache.getMany(keys)) },
    { name: 'increment', ...repeated((i) => numbers.increment(keyOf(i))) },
    { name: 'set', ...repeated((i) => cache.set(keyOf(i), SMALL)) },
  ])
})

for (const [name, value] of Object.entries(VALUES)) {
  it(`a value of 900 characters: ${name}`, async () => {
    const shared = new LRUCache<string, object | string>({ max: 10_000 })
    for (const key of KEYS) shared.set(key, structuredClone(value) as object)
    const cache = await filled(memoryCache(), value)
    const tiered = await filled(tieredCache({ l1: memoryCache(), l2: memoryCache(), l1Expiration: '1h' }), value)
    await compare(`a value of 900 characters: ${name}`, [
      { name: 'lru-cache, whose readers share one value', ...repeated(async (i) => shared.get(keyOf(i))) },
      { name: 'get', ...repeated((i) => cache.get(keyOf(i))) },
      { name: 'get in the first of two tiers', ...repeated((i) => tiered.get(keyOf(i))) },
      { name: 'getOrSet', ...repeated((i) => cache.getOrSet(keyOf(i), 1)) },
    ])
  })

  it(`a value of one's own at each read: ${name}`, async () => {
    const text = JSON.stringify(value)
    const copies = KEYS.map(() => JsonCopies.of(text, JSON.parse(text)))
    const count = HITS / 10
    await compare(`a value of one's own at each read: ${name}`, [
      { name: 'JSON.parse of the text', ...repeated(async () => JSON.parse(text), count) },
      { name: 'structuredClone', ...repeated(async () => structuredClone(value), count) },
      { name: 'a copy of the decoded value', ...repeated(async (i) => copies[i % KEYS.length]?.make(), count) },
    ])
  })
}

async function filled<C extends ReturnType<typeof memoryCache>>(cache: C, value: unknown): Promise<C> {
  for (const key of KEYS) await cache.set(key, value)
  return cache
}

function batches(read: (keys: readonly string[]) => Promise<unknown>) {
  const keys = KEYS.slice(0, BATCH)
  return {
    async run() {
      for (let i = 0; i < HITS; i += BATCH) await read(keys)
      return HITS
    },
  }
}
