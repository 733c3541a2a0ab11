import type { Bench } from '../harness/bench.ts'
import { each, measure, rateCells, slicesOf, type Variant } from '../harness/measure.ts'
import { openProviders } from '../harness/peers.ts'
import type { Case, Figure, Question } from '../harness/question.ts'
import { bySize } from '../harness/settings.ts'
import { openSite, type Site } from '../harness/site.ts'
import { at, KILOBYTE, sampleValue } from '../harness/values.ts'

const TAGS = [0, 1, 3, 10]
const KEYS = Array.from({ length: 200 }, (_, i) => `tagged:${i}`)
const keyOf = (tags: number, key: string) => `${tags}:${key}`
const tagsOf = (count: number) => Array.from({ length: count }, (_, i) => `tag:${i}`)

/** Entries of all kinds, and invalidations of other tags in the log. */
async function fill({ cache, pool }: Site, rows: number): Promise<void> {
  for (const count of TAGS) {
    const entries = KEYS.map((key, i): [string, unknown] => [keyOf(count, key), sampleValue(KILOBYTE, i)])
    await cache.setMany(entries, { expiration: '1h', tags: tagsOf(count) })
  }
  await pool.query(
    `insert into cache_invalidations (tag, xid) select 'other:' || i, '5' from generate_series(1, $1::int) as i`,
    [rows],
  )
  await pool.query('vacuum analyze cache_invalidations')
}

async function hits(bench: Bench, rows: number): Promise<Case> {
  const variants: Variant[] = []
  for (const checkout of bench.checkouts) {
    const site = await openSite(bench, checkout)
    await fill(site, rows)
    for (const count of TAGS) {
      const keys = KEYS.map((key) => keyOf(count, key))
      const name = `${site.name}, ${count} ${count === 1 ? 'tag' : 'tags'}`
      variants.push({ name, run: (i) => site.cache.get(at(keys, i)) })
    }
  }
  const samples = await measure(variants, slicesOf(bench.settings))
  return { name: `${rows.toLocaleString('en')} rows in the log`, cells: rateCells(samples, 'pgstash, 0 tags') }
}

async function peers(bench: Bench): Promise<Figure> {
  const line = { transport: 'tcp', roundTripMs: 0 } as const
  const { providers, absent, close } = await openProviders(bench, line, ({ setTagged }) => setTagged)
  const cases: Case[] = []
  for (const count of TAGS) {
    for (const provider of providers) {
      await each(KEYS, async (key, i) =>
        provider.setTagged?.(keyOf(count, key), sampleValue(KILOBYTE, i), tagsOf(count)),
      )
    }
    const keys = KEYS.map((key) => keyOf(count, key))
    const variants = providers.map(({ name, get }) => ({ name, run: (i: number) => get(at(keys, i)) }))
    const samples = await measure(variants, slicesOf(bench.settings))
    cases.push({ name: `${count} ${count === 1 ? 'tag' : 'tags'}`, cells: rateCells(samples, 'pgstash') })
  }
  const variants = providers.map(({ name, invalidate }) => ({
    name,
    run: async (i: number) => invalidate?.(`gone:${i}`),
  }))
  const samples = await measure(variants, slicesOf(bench.settings))
  cases.push({ name: 'an invalidation', cells: rateCells(samples, 'pgstash') })
  await close()
  return { title: 'Tagged hits against peers', unit: 'calls per second', better: 'higher', cases, absent }
}

export default {
  title: 'What do tags cost?',
  about: `Hits over TCP, one call at a time. A read checks each tag of its entry against the log of invalidations. Peers without tags are
    absent. bentocache compares clocks, so it may serve data older than an invalidation; pgstash compares transactions.`,
  async run(bench) {
    const cases = [await hits(bench, 0), await hits(bench, bySize(bench.settings, 20_000, 1_000_000))]
    return [
      { title: 'Hits by the number of tags', unit: 'calls per second', better: 'higher', cases },
      await peers(bench),
    ] satisfies Figure[]
  },
} satisfies Question
