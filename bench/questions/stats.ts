import type { Bench } from '../harness/bench.ts'
import { measure, timeCells, type Variant } from '../harness/measure.ts'
import type { Figure, Question } from '../harness/question.ts'
import { bySize } from '../harness/settings.ts'
import { fillEntries, openSites } from '../harness/site.ts'

const PART = 500_000

const counted = `select count(*) filter (where expires_at is null or expires_at > now()),
  sum(pg_column_size(key) + pg_column_size(value)) from cache_entries`

/** Time of `stats()`, against a query that reads all rows. */
export async function statsFigure(bench: Bench, entries: number): Promise<Figure> {
  const variants: Variant[] = []
  for (const { name, pool, cache } of await openSites(bench)) {
    for (let from = 0; from < entries; from += PART) {
      const length = Math.min(PART, entries - from)
      await fillEntries(pool, length, { bytes: 300, from, isExpired: (from / PART) % 3 === 2 })
    }
    await pool.query('vacuum analyze cache_entries')
    variants.push({ name, run: () => cache.stats() })
    if (variants.length === 1) variants.push({ name: 'counting all rows', run: () => pool.query(counted) })
  }
  const { rounds, sliceMs } = bench.settings
  const cells = timeCells(await measure(variants, { rounds, sliceMs }), 'milliseconds', 'counting all rows')
  const name = `${entries.toLocaleString('en')} entries`
  return { title: 'Statistics of the whole table', unit: 'milliseconds', better: 'lower', cases: [{ name, cells }] }
}

export default {
  title: 'What do statistics of a large table cost?',
  about: '`stats()` estimates a large table from a sample. The query beside it counts live entries and bytes exactly.',
  run: async (bench) => [await statsFigure(bench, bySize(bench.settings, 50_000, 1_000_000, 3_000_000))],
} satisfies Question
