import { once } from '../harness/measure.ts'
import type { Case, Cell, Figure, Question } from '../harness/question.ts'
import { bySize } from '../harness/settings.ts'
import { one, openSite, type Site, walBytes } from '../harness/site.ts'
import { at, textOf } from '../harness/values.ts'

const SIZES = [10, 100, 1_000, 10_000, 100_000]
const MOST_ROWS = 2_000
/** For each size, and for each batch. */
const TOTAL_BYTES = 20_000_000
const BATCH_BYTES = 2_000_000
const expiration = '1h'

const sizeText = (characters: number) => `${characters.toLocaleString('en')} characters`

async function bytesPerEntry({ pool, cache }: Site, size: number): Promise<number> {
  const total = async () => Number(await one(pool, `select pg_total_relation_size('cache_entries')`))
  const before = await total()
  const rows = Math.min(MOST_ROWS, TOTAL_BYTES / size)
  const step = Math.max(1, Math.floor(BATCH_BYTES / size))
  for (let from = 0; from < rows; from += step) {
    const length = Math.min(step, rows - from)
    const entries = Array.from({ length }, (_, i): [string, unknown] => {
      return [`product:${from + i}`, textOf(size, from + i)]
    })
    await cache.setMany(entries, { expiration })
  }
  return ((await total()) - before) / rows
}

/** The calls that write a value. The values differ, because Postgres logs less if a value stays. */
function writers({ cache }: Site, size: number): Record<string, (i: number) => Promise<unknown>> {
  const values = Array.from({ length: 7 }, (_, i) => textOf(size, i))
  let next = 0
  return {
    'set of a new key': () => cache.set(`new:${next++}`, at(values, next), { expiration }),
    'set of a known key': (i) => cache.set('same', at(values, i), { expiration }),
    'the same with 3 tags': (i) => cache.set('tagged', at(values, i), { expiration, tags: ['a', 'b', 'c'] }),
    'getOrSet, a miss': () => cache.getOrSet(`computed:${next++}`, at(values, next), { expiration }),
    touch: () => cache.touch('same', expiration),
    get: () => cache.get('same'),
  }
}

function others({ cache }: Site): Record<string, (i: number) => Promise<unknown>> {
  return {
    increment: () => cache.increment('counter', 1, { expiration }),
    limit: () => cache.limit('limit', { limit: 1_000_000, period: expiration }),
    'invalidate, one tag': () => cache.invalidate('tag'),
  }
}

export default {
  title: 'What does an entry take?',
  about: `Values are words that compress to about a third, as JSON does. The log is Postgres's write-ahead log, without the full pages that
    follow a checkpoint. [Production](guides/production.md#how-much-room-it-takes) says what follows.`,
  async run(bench) {
    const calls = bySize(bench.settings, 20, 200)
    const disk: Case[] = []
    const log = new Map<string, Cell[]>()
    const fixed: Case[] = []
    for (const size of SIZES) {
      const cells: Cell[] = []
      for (const checkout of bench.checkouts) {
        const namespace = 'shop'
        const site = await openSite(bench, checkout, { namespace })
        cells.push(once(site.name, await bytesPerEntry(site, size)))
        for (const [name, work] of Object.entries(writers(site, size))) {
          const logged = log.get(`${site.name}: ${name}`) ?? []
          logged.push(once(sizeText(size), await walBytes(site.pool, calls, work)))
          log.set(`${site.name}: ${name}`, logged)
        }
      }
      disk.push({ name: sizeText(size), cells })
    }
    for (const checkout of bench.checkouts) {
      const site = await openSite(bench, checkout)
      for (const [name, work] of Object.entries(others(site))) {
        const found = fixed.find((one) => one.name === name)
        const cell = once(site.name, await walBytes(site.pool, calls, work))
        if (found) (found.cells as Cell[]).push(cell)
        else fixed.push({ name, cells: [cell] })
      }
    }
    const logged = [...log].map(([name, cells]) => ({ name, cells }))
    return [
      { title: 'Disk for an entry, indexes included', unit: 'bytes', better: 'lower', cases: disk },
      { title: 'Log of each call, by the size of the value', unit: 'bytes', better: 'lower', cases: logged },
      { title: 'Log of each call without a value', unit: 'bytes', better: 'lower', cases: fixed },
    ] satisfies Figure[]
  },
} satisfies Question
