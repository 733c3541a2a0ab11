import type pg from 'pg'
import type { Bench } from '../harness/bench.ts'
import { shuffled, spread } from '../harness/measure.ts'
import type { Cell, Figure, Question } from '../harness/question.ts'
import { readDuring } from '../harness/readers.ts'
import { bySize } from '../harness/settings.ts'
import { fillEntries, openSite, openSites } from '../harness/site.ts'

const BATCH = 5_000
const LIVE = 20_000
/** Beyond any cleanup here. The default ends a run after some seconds. */
const TIME_BUDGET_MS = 600_000

interface Cleaner {
  readonly name: string
  readonly pool: pg.Pool
  clean(): Promise<number>
}

/** By the index, because a batch that starts at the front of the table meets all rows that are dead already. */
const plainDelete = {
  name: 'plain',
  text: `delete from cache_entries where ctid = any(array(
    select ctid from cache_entries
    where cleanup_slot <= floor(extract(epoch from (now() - timestamptz '2000-01-01 00:00:00+00')) / 600)::int
      and kept_until <= now()
    order by cleanup_slot limit ${BATCH} for update skip locked))`,
}

async function cleaners(bench: Bench): Promise<Cleaner[]> {
  const all: Cleaner[] = (await openSites(bench)).map(({ name, pool, cache }) => ({
    name,
    pool,
    async clean() {
      let removed = 0
      for (;;) {
        const result = await cache.clearExpired({ timeBudget: TIME_BUDGET_MS })
        removed += result.removed
        if (!result.more) return removed
      }
    },
  }))
  const [checkout] = bench.checkouts
  if (checkout === undefined) return all
  const { pool } = await openSite(bench, checkout)
  all.push({
    name: `plain delete, batches of ${BATCH.toLocaleString('en')}`,
    pool,
    async clean() {
      for (let removed = 0; ; ) {
        const { rowCount } = await pool.query(plainDelete)
        removed += rowCount ?? 0
        if (!rowCount) return removed
      }
    },
  })
  return all
}

/** Rows per second, and the p99 of readers with and without a cleanup beside them. */
export async function cleanupFigures(bench: Bench, rows: number): Promise<Figure[]> {
  const all = await cleaners(bench)
  const keys = Array.from({ length: LIVE }, (_, i) => `entry:${i}`)
  for (const { pool } of all) await fillEntries(pool, LIVE)
  const samples = all.map((cleaner) => ({
    cleaner,
    rates: [] as number[],
    quiet: [] as number[],
    busy: [] as number[],
  }))
  for (let round = 0; round < bench.settings.rounds; round++) {
    for (const { cleaner, rates, quiet, busy } of shuffled(samples)) {
      // The first pass has the server to itself, the second shares it with readers.
      for (const hasReaders of [false, true]) {
        await fillEntries(cleaner.pool, rows, { isExpired: true, from: LIVE })
        await cleaner.pool.query('vacuum analyze cache_entries')
        await cleaner.pool.query('checkpoint')
        if (hasReaders) {
          const pause = new Promise((resolve) => setTimeout(resolve, bench.settings.sliceMs * 5))
          quiet.push((await readDuring(cleaner.pool, keys, pause)).p99)
          busy.push((await readDuring(cleaner.pool, keys, cleaner.clean())).p99)
          continue
        }
        const startedAt = performance.now()
        const removed = await cleaner.clean()
        rates.push(removed / ((performance.now() - startedAt) / 1_000))
      }
    }
  }
  const plain = samples.at(-1)
  const cells = (pick: (sample: (typeof samples)[number]) => number[], base?: number[]): Cell[] =>
    samples.map((sample) => {
      const values = pick(sample)
      const ratio = base && spread(values.map((value, i) => value / (base[i] ?? Number.NaN)))
      return { provider: sample.cleaner.name, ...spread(values), ...(ratio && { ratio }) }
    })
  const times = ({ quiet, busy }: (typeof samples)[number]) => busy.map((value, i) => value / (quiet[i] ?? Number.NaN))
  const name = `${rows.toLocaleString('en')} expired entries`
  return [
    {
      title: 'Expired entries removed in a second',
      unit: 'calls per second',
      better: 'higher',
      cases: [{ name, cells: cells(({ rates }) => rates, plain?.rates) }],
    },
    {
      title: 'p99 of four readers',
      unit: 'milliseconds',
      better: 'lower',
      cases: [
        { name: 'without a cleanup', cells: cells(({ quiet }) => quiet) },
        { name: 'during a cleanup', cells: cells(({ busy }) => busy) },
      ],
    },
    {
      title: 'p99 of readers during a cleanup, against the p99 before it',
      unit: 'times',
      better: 'lower',
      cases: [{ name, cells: cells(times) }],
    },
  ]
}

export default {
  title: 'What does a cleanup cost?',
  about: `Removes expired entries beside 20,000 live ones. The plain delete has the same table and indexes, finds expired rows by
    the index, and takes them in batches with \`for update skip locked\`. Four readers read live keys over TCP beside it.`,
  run: (bench) => cleanupFigures(bench, bySize(bench.settings, 20_000, 100_000, 1_000_000)),
} satisfies Question
