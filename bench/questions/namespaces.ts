import type pg from 'pg'
import type { Bench } from '../harness/bench.ts'
import { each, measure, once, spread, timeCells, type Variant } from '../harness/measure.ts'
import type { Case, Cell, Figure, Question } from '../harness/question.ts'
import { openSites, type Site, slotOf } from '../harness/site.ts'

const PART = 500_000
const NAMESPACE_ENTRIES = 10_000
/** The default timeout would end an exact count of millions. */
const TIMEOUT_MS = 600_000
const LOOK_MS = 100
const EMPTY_NAMESPACE_RATIO = 3

interface Filled extends Site {
  readonly entries: number
  readonly label: string
}

const spell = (entries: number) => entries.toLocaleString('en')

/** Namespaces of 10,000 entries each: one entry in eleven has expired, and a third of the others never expires. */
async function fillNamespaces(pool: pg.Pool, entries: number): Promise<void> {
  const slot = await slotOf(pool, 'given.at')
  for (let from = 0; from < entries; from += PART) {
    await pool.query(
      `insert into cache_entries (key, value, expires_at, kept_until${slot.column})
       select 'tenant-' || i / ${NAMESPACE_ENTRIES} || '|entry:' || i, to_json(repeat(md5(i::text), 3))::text, given.at, given.at${slot.value}
       from generate_series($1::int, $2::int) as i, lateral (select case
         when i % 11 = 0 then now() - interval '1 hour'
         when i % 3 > 0 then now() + interval '1 hour' + (i % 86400) * interval '1 second' end as at) as given`,
      [from, Math.min(entries, from + PART) - 1],
    )
  }
  await pool.query('vacuum analyze cache_entries')
  await pool.query('checkpoint')
}

const namespaceOf = ({ cache }: Site, index: number) => cache.namespace(`tenant-${index}`)

/** The calls that read many entries. Each has a bound, however large the table is. */
const LOOKS: Readonly<Record<string, (site: Site) => Promise<unknown>>> = {
  'stats()': ({ cache }) => cache.stats(),
  'stats() of one namespace': (site) => namespaceOf(site, 0).stats(),
  'count({ estimate: true })': ({ cache }) => cache.count({ estimate: true }),
  'list({ limit: 100 })': ({ cache }) => cache.list({ limit: 100 }),
  'list of expired entries, 100': ({ cache }) => cache.list({ state: 'expired', limit: 100 }),
  'list of invalidated entries, 100: there are none': ({ cache }) => cache.list({ state: 'invalidated', limit: 100 }),
}

async function looks(bench: Bench, sites: readonly Filled[]): Promise<Figure> {
  const { rounds, sliceMs } = bench.settings
  const cases: Case[] = []
  for (const [name, look] of Object.entries(LOOKS)) {
    const variants = sites.map((site): Variant => ({ name: site.label, run: () => look(site) }))
    const samples = await measure(variants, { rounds, sliceMs })
    cases.push({ name, cells: timeCells(samples, 'milliseconds', sites[0]?.label) })
  }
  return {
    title: 'Time of one call over TCP',
    unit: 'milliseconds',
    better: 'lower',
    cases,
    goals: Object.fromEntries(cases.map(({ name }) => [name, LOOK_MS])),
    note: 'Small tables are counted exactly, and large ones by a sample.',
  }
}

/** Each round cleans other namespaces, because a clean one has nothing left to remove. */
async function cleanups(bench: Bench, sites: readonly Filled[]): Promise<Figure[]> {
  const { rounds, sliceMs } = bench.settings
  const empty = sites.map((site): Variant => {
    return { name: site.label, run: () => site.cache.namespace('nobody').clearExpired() }
  })
  const name = 'a namespace without entries'
  const cells = timeCells(await measure(empty, { rounds, sliceMs }), 'milliseconds', sites[0]?.label)
  const ratio = cells.flatMap((cell): Cell[] => (cell.ratio ? [{ ...cell.ratio, provider: cell.provider }] : []))
  const busy: Cell[] = []
  for (const site of sites) {
    const tenants = Array.from({ length: Math.min(rounds, site.entries / NAMESPACE_ENTRIES) }, (_, i) => i)
    const times: number[] = []
    const clean = async (tenant: number) => {
      const startedAt = performance.now()
      await namespaceOf(site, tenant).clearExpired()
      times.push(performance.now() - startedAt)
    }
    await each(tenants, clean, 1)
    busy.push({ provider: site.label, ...spread(times) })
  }
  return [
    {
      title: 'Cleanup of one namespace beside everybody’s expired entries',
      unit: 'milliseconds',
      better: 'lower',
      cases: [
        { name, cells },
        { name: `a namespace of ${spell(NAMESPACE_ENTRIES)} entries, 909 of them expired`, cells: busy },
      ],
    },
    {
      title: 'Cleanup of a namespace without entries, against the smallest table',
      unit: 'times',
      better: 'lower',
      cases: [{ name, cells: ratio }],
      goals: { [name]: EMPTY_NAMESPACE_RATIO },
    },
  ]
}

/** These read or change the whole table, so they run once. */
async function whole(sites: readonly Filled[]): Promise<Figure> {
  const calls: Readonly<Record<string, (site: Site) => Promise<unknown>>> = {
    'count(), exact': ({ cache }) => cache.count(),
    'clearExpired() of everything': async ({ cache }) => {
      while ((await cache.clearExpired({ timeBudget: TIMEOUT_MS })).more);
    },
  }
  const cases: Case[] = []
  for (const [name, call] of Object.entries(calls)) {
    const cells: Cell[] = []
    for (const site of sites) {
      const startedAt = performance.now()
      await call(site)
      cells.push(once(site.label, performance.now() - startedAt))
    }
    cases.push({ name, cells })
  }
  return { title: 'Work on the whole table', unit: 'milliseconds', better: 'lower', cases }
}

export default {
  title: 'What do the calls for whole namespaces cost beside millions of entries?',
  about: `The entries belong to namespaces of 10,000. One in eleven has expired and waits for a cleanup. The ratio is to the smallest
    table.`,
  async run(bench) {
    const sizes = [...bench.settings.entries].sort((a, b) => a - b)
    const sites: Filled[] = []
    for (const entries of sizes) {
      for (const site of await openSites(bench, { timeout: TIMEOUT_MS })) {
        await fillNamespaces(site.pool, entries)
        sites.push({ ...site, entries, label: `${site.name}, ${spell(entries)} entries` })
      }
    }
    return [await looks(bench, sites), ...(await cleanups(bench, sites)), await whole(sites)]
  },
} satisfies Question
