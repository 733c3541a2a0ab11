import type { Bench } from '../harness/bench.ts'
import { measure, once, slicesOf, timeCells, type Variant } from '../harness/measure.ts'
import type { Case, Figure, Question } from '../harness/question.ts'
import { fillEntries, one, openSites, type Site } from '../harness/site.ts'

/** One insert of ten million rows would keep them all in one transaction. */
const PART = 500_000
const VALUE_BYTES = 300

/** Fills a new database of each version, and returns the variants of one operation by its name. */
async function filled(bench: Bench, entries: number): Promise<Site[]> {
  const sites = await openSites(bench)
  for (const { pool } of sites) {
    for (let from = 0; from < entries; from += PART) {
      await fillEntries(pool, Math.min(PART, entries - from), { bytes: VALUE_BYTES, from })
    }
    await pool.query('vacuum analyze cache_entries')
    await pool.query('checkpoint')
  }
  return sites
}

const randomKey = (entries: number) => `entry:${Math.floor(Math.random() * entries)}`

const OPERATIONS: Readonly<Record<string, (site: Site, entries: number) => (i: number) => Promise<unknown>>> = {
  get:
    ({ cache }, entries) =>
    () =>
      cache.get(randomKey(entries)),
  'get of 50 keys':
    ({ cache }, entries) =>
    () =>
      cache.getMany(Array.from({ length: 50 }, () => randomKey(entries))),
  'getOrSet, a hit':
    ({ cache }, entries) =>
    () =>
      cache.getOrSet(randomKey(entries), 'computed', { expiration: '1d' }),
  touch:
    ({ cache }, entries) =>
    () =>
      cache.touch(randomKey(entries), '12h'),
  set:
    ({ cache }, entries) =>
    () =>
      cache.set(randomKey(entries), 'v'.repeat(VALUE_BYTES), { expiration: '1d' }),
  increment:
    ({ cache }) =>
    (i) =>
      cache.increment(`counter:${i}`, 1, { expiration: '1d' }),
}

/** Time of each operation by the number of entries; the ratio is to the smallest number. */
export async function growthFigures(bench: Bench, operations = Object.keys(OPERATIONS)): Promise<Figure[]> {
  const sizes = [...bench.settings.entries].sort((a, b) => a - b)
  const label = (site: Site, entries: number) => `${site.name}, ${entries.toLocaleString('en')} entries`
  const all: { readonly entries: number; readonly sites: readonly Site[] }[] = []
  for (const entries of sizes) all.push({ entries, sites: await filled(bench, entries) })
  const cases: Case[] = []
  for (const name of operations) {
    const variants = all.flatMap(({ entries, sites }) =>
      sites.map((site): Variant => {
        const run = OPERATIONS[name]?.(site, entries)
        return { name: label(site, entries), run: async (i) => run?.(i) }
      }),
    )
    // All sizes in the same rounds, so that a machine whose speed drifts treats them alike.
    const baseline = variants[0]?.name
    cases.push({ name, cells: timeCells(await measure(variants, slicesOf(bench.settings)), 'milliseconds', baseline) })
  }
  const bytes: Case[] = []
  for (const { entries, sites } of all) {
    const cells = []
    for (const { name, pool } of sites) {
      const total = Number(await one(pool, "select pg_total_relation_size('cache_entries')"))
      cells.push(once(name, total / entries))
    }
    bytes.push({ name: `${entries.toLocaleString('en')} entries`, cells })
  }
  return [
    { title: 'Time of one call over TCP, random keys', unit: 'milliseconds', better: 'lower', cases },
    { title: 'Disk for each entry, indexes included', unit: 'bytes', better: 'lower', cases: bytes },
  ]
}

export default {
  title: 'Does it slow down as it grows?',
  about: `Tables of different sizes take turns on one server, with random keys and 300 characters a value. The ratio is to the smallest
    table. A table that does not fit into Postgres's buffers is read from the system's cache, or from the disk.`,
  run: (bench) => growthFigures(bench),
} satisfies Question
