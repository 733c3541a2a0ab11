import type { Bench } from '../harness/bench.ts'
import { each, measure, slicesOf, timeCells, type Variant } from '../harness/measure.ts'
import { openProviders } from '../harness/peers.ts'
import type { OpenProvider, Transport } from '../harness/provider.ts'
import type { Case, Figure, Question } from '../harness/question.ts'
import { at, textOf } from '../harness/values.ts'

const KEYS = Array.from({ length: 500 }, (_, i) => `user:${i}`)
/** One reading of the clock costs as much as a hit, so there is one for so many. */
const HITS = 500

/** A text of 900 characters, and the smallest and largest objects that programs commonly keep. */
export const VALUES: Readonly<Record<string, unknown>> = {
  'a number': 42,
  'an object of three fields': { id: 42, name: 'Ada Lovelace', admin: true },
  'a text of 900 characters': textOf(900),
  'an object of 900 characters': Array.from({ length: 12 }, (_, i) => ({
    id: i,
    name: textOf(24, i),
    tags: ['a', 'b'],
  })),
  'fifty objects': Array.from({ length: 50 }, (_, i) => ({ id: i, name: `product ${i}`, tags: ['a', 'b'], price: i })),
}

function hits({ name, get }: OpenProvider): Variant {
  return {
    name,
    operations: HITS,
    async run() {
      for (let i = 0; i < HITS; i++) await get(at(KEYS, i))
    },
  }
}

/** Time of a hit on each kind of value. */
export async function memoryHits(bench: Bench, transport: Transport, names = Object.keys(VALUES)): Promise<Figure> {
  const { providers, close } = await openProviders(bench, { transport, roundTripMs: 0 }, () => true)
  const cases: Case[] = []
  for (const name of names) {
    for (const provider of providers) await each(KEYS, (key) => provider.set(key, VALUES[name]))
    // In tiers, a read after the write puts the value into the first one.
    for (const provider of providers) await hits(provider).run(0)
    const samples = await measure(providers.map(hits), slicesOf(bench.settings))
    cases.push({ name, cells: timeCells(samples, 'nanoseconds', 'pgstash') })
  }
  await close()
  const title = transport === 'memory' ? 'Hits in memory' : 'Hits in the first of two tiers'
  return { title, unit: 'nanoseconds', better: 'lower', cases }
}

export default {
  title: 'What does a hit in memory cost?',
  about: `Hits one after another. lru-cache and ocache return the stored object itself, so a caller who changes it changes the cache. The
    others copy or parse at each read, as pgstash does.`,
  run: async (bench) => [await memoryHits(bench, 'memory'), await memoryHits(bench, 'tiered')],
} satisfies Question
