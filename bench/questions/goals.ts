import type { Bench } from '../harness/bench.ts'
import { capture, replay } from '../harness/capture.ts'
import { BASELINE, type HttpSite, OPERATIONS, openHttpSites } from '../harness/http-operations.ts'
import { each, measure, once, type Samples, slicesOf, spread, timeCells, type Variant } from '../harness/measure.ts'
import { cpuMs, createMeter } from '../harness/meter.ts'
import { openProviders } from '../harness/peers.ts'
import type { Case, Cell, Figure, Question } from '../harness/question.ts'
import { bySize } from '../harness/settings.ts'
import { at, KILOBYTE, keysFor, sampleValue } from '../harness/values.ts'
import { cleanupFigures } from './cleanup.ts'
import { growthFigures } from './growth.ts'
import { memoryHits } from './memory.ts'
import { statsFigure } from './stats.ts'

const HTTP_TIME = {
  get: 1.15,
  'sliding get': 1.2,
  'getOrSet hit': 1.25,
  'response hit': 1.5,
  limit: 1.25,
  increment: 1.25,
  set: 1.2,
}
const DATABASE_TIME = {
  get: 1.3,
  'sliding get': 1.5,
  'getOrSet hit': 1.5,
  'response hit': 2.5,
  limit: 2,
  increment: 2,
  set: 1.6,
}
const REQUEST_BYTES = { get: 300, 'getOrSet hit': 500, 'response hit': 700 }

type Ratio = Pick<Figure, 'title' | 'better'> & { readonly note?: string }

/** A figure of ratios, each with its bound. */
function goalFigure(figure: Ratio, lines: readonly { name: string; goal: number; cells: Cell[] }[]): Figure {
  return {
    ...figure,
    unit: 'times',
    cases: lines.map(({ name, cells }) => ({ name, cells })),
    goals: Object.fromEntries(lines.map(({ name, goal }) => [name, goal])),
  }
}

const nameOf = (site: HttpSite, operation: string) => (site.name === BASELINE ? BASELINE : `${site.name}: ${operation}`)

/** The ratios of cells named "version: operation", as one line for each operation. */
function byOperation(sites: readonly HttpSite[], cells: readonly Cell[], goals: Record<string, number>) {
  return OPERATIONS.filter((operation) => operation in goals).map((operation) => ({
    name: operation,
    goal: goals[operation] ?? Number.NaN,
    cells: sites.slice(1).flatMap((site): Cell[] => {
      const ratio = cells.find(({ provider }) => provider === nameOf(site, operation))?.ratio
      return ratio ? [{ provider: site.name, ...ratio }] : []
    }),
  }))
}

async function overHttp(bench: Bench, sites: readonly HttpSite[]): Promise<Figure> {
  const variants = sites.flatMap((site) =>
    Object.entries(site.operations).map(([operation, run]): Variant => ({ name: nameOf(site, operation), run })),
  )
  const { rounds, sliceMs } = bench.settings
  const samples = await measure(variants, { rounds, sliceMs: 2 * sliceMs })
  return goalFigure(
    {
      title: 'Time over HTTP, one call at a time, against a raw neon() select by key',
      better: 'lower',
      note: 'No write waits for the disk (`synchronous_commit = off`).',
    },
    byOperation(sites, timeCells(samples, 'milliseconds', BASELINE), HTTP_TIME),
  )
}

async function inDatabase(bench: Bench, sites: readonly HttpSite[]): Promise<Figure[]> {
  const meter = createMeter()
  const variants: Variant[] = []
  const bytes: { name: string; goal: number; cells: Cell[] }[] = []
  for (const site of sites) {
    for (const [operation, run] of Object.entries(site.operations)) {
      const requests = await capture(() => run(0))
      const sum = requests.reduce((total, request) => total + request.bytes, 0)
      const goal = REQUEST_BYTES[operation as keyof typeof REQUEST_BYTES]
      if (goal !== undefined) {
        const line = bytes.find(({ name }) => name === operation) ?? { name: operation, goal, cells: [] }
        if (line.cells.length === 0) bytes.push(line)
        line.cells.push(once(site.name, sum))
      }
      const client = await bench.connect(site.database)
      const pid = (await client.query('select pg_backend_pid() as pid')).rows[0].pid
      const variant = { name: nameOf(site, operation), run: () => replay(client, requests) }
      variants.push(meter.variant(variant, () => cpuMs(pid)))
    }
  }
  const samples = await measure(variants, slicesOf(bench.settings))
  const times = byOperation(sites, timeCells(samples, 'milliseconds', BASELINE), DATABASE_TIME)
  const note =
    'Over one TCP connection, so the round trip counts. No write waits for the disk (`synchronous_commit = off`).'
  const title = 'Time in the database without a prepared statement, against the same select'
  return [
    goalFigure({ title, better: 'lower', note }, times),
    ...cpuFigure(sites, await meter.cells(BASELINE)),
    { ...goalFigure({ title: 'Bytes of a request', better: 'lower' }, bytes), unit: 'bytes' },
  ]
}

/** Other work on the machine hardly changes it, unlike the time. Not every system tells it. */
function cpuFigure(sites: readonly HttpSite[], cells: readonly Cell[]): Figure[] {
  const find = (name: string) => cells.filter(({ provider }) => provider === name)
  const cases = OPERATIONS.map((name): Case => {
    const own = sites
      .slice(1)
      .flatMap((site) => find(nameOf(site, name)).map((cell) => ({ ...cell, provider: site.name })))
    return { name, cells: [...find(BASELINE), ...own] }
  })
  if (cells.length === 0) return []
  return [{ title: 'CPU of the server process for each call', unit: 'milliseconds', better: 'lower', cases }]
}

/** Rates over those of another provider in the same round. */
function ratios(samples: Samples, label: string, other: string, provider = label): Cell {
  const base = samples.get(other) ?? []
  const own = samples.get(label) ?? []
  return { provider, ...spread(own.map((rate, round) => rate / (base[round] ?? Number.NaN))) }
}

const TCP_PEERS = { '@keyv/postgres': { get: 1.2, set: 1.1 }, 'raw pg, prepared': { get: 0.85, set: 0.8 } }

async function overTcp(bench: Bench): Promise<Figure> {
  const labels = bench.checkouts.map(({ label }) => label)
  const wanted = [...labels, ...Object.keys(TCP_PEERS)]
  const { providers, close } = await openProviders(bench, { transport: 'tcp', roundTripMs: 0 }, () => true)
  const keys = keysFor(KILOBYTE)
  const compared = providers.filter(({ name }) => wanted.includes(name))
  for (const provider of compared) await each(keys, (key, i) => provider.set(key, sampleValue(KILOBYTE, i)))
  const lines: { name: string; goal: number; cells: Cell[] }[] = []
  for (const operation of ['get', 'set'] as const) {
    for (const atOnce of [1, 8]) {
      const variants = compared.map((provider): Variant => {
        const get = (i: number) => provider.get(at(keys, i))
        const set = (i: number) => provider.set(at(keys, i), sampleValue(KILOBYTE, i))
        return { name: provider.name, run: operation === 'get' ? get : set }
      })
      const samples = await measure(variants, slicesOf(bench.settings, atOnce))
      for (const [peer, goals] of Object.entries(TCP_PEERS)) {
        const cells = labels.map((label) => ratios(samples, label, peer))
        lines.push({ name: `${operation}, ${atOnce} at once, against ${peer}`, goal: goals[operation], cells })
      }
    }
  }
  await close()
  return goalFigure({ title: 'Rate over TCP, values of 1 KB', better: 'higher' }, lines)
}

/** Picks the ratios of the versions of pgstash out of a case. */
function versions(bench: Bench, found: Case | undefined, suffix = ''): Cell[] {
  return bench.checkouts.flatMap(({ label }): Cell[] => {
    const cell = found?.cells.find(({ provider }) => provider === label + suffix)
    const value = cell?.ratio ?? cell
    return value ? [{ ...value, provider: label }] : []
  })
}

async function atScale(bench: Bench): Promise<Figure[]> {
  const expired = bySize(bench.settings, 20_000, 150_000, 1_000_000)
  const [rate, , readers] = await cleanupFigures(bench, expired)
  const largest = Math.max(...bench.settings.entries)
  const smallest = Math.min(...bench.settings.entries)
  const narrowed = { ...bench, settings: { ...bench.settings, entries: [smallest, largest] } }
  const [growth] = await growthFigures(narrowed, ['get'])
  const many = bySize(bench.settings, 50_000, 3_000_000)
  const stats = await statsFigure(bench, many)
  const [small, large] = [smallest, largest].map((count) => count.toLocaleString('en'))
  const slower = [
    {
      name: `a get at ${large} entries against ${small}`,
      goal: 1.2,
      cells: versions(bench, growth?.cases[0], `, ${large} entries`),
    },
    {
      name: `p99 of readers during a cleanup of ${expired.toLocaleString('en')} rows`,
      goal: 1.3,
      cells: versions(bench, readers?.cases[0]),
    },
  ]
  const statsName = `${many.toLocaleString('en')} entries`
  const milliseconds = stats.cases[0]?.cells.filter(({ provider }) => provider !== 'counting all rows') ?? []
  return [
    goalFigure({ title: 'Rate of clearExpired against a plain batch delete', better: 'higher' }, [
      { name: `${expired.toLocaleString('en')} rows`, goal: 0.6, cells: versions(bench, rate?.cases[0]) },
    ]),
    goalFigure({ title: 'Growth and cleanup', better: 'lower' }, slower),
    {
      title: 'stats() of a large table',
      unit: 'milliseconds',
      better: 'lower',
      cases: [{ name: statsName, cells: milliseconds }],
      goals: { [statsName]: 100 },
    },
  ]
}

/** Times come as one figure, so the ratio to a peer is taken of medians. */
async function inMemory(bench: Bench): Promise<Figure[]> {
  const value = 'a text of 900 characters'
  const figure = await memoryHits(bench, 'memory', [value])
  const median = (name: string) =>
    figure.cases[0]?.cells.find(({ provider }) => provider === name)?.median ?? Number.NaN
  const cells = (ratio: (own: number) => number) =>
    bench.checkouts.map(({ label }) => once(label, ratio(median(label))))
  return [
    goalFigure({ title: 'Memory hit, how much slower than lru-cache', better: 'lower' }, [
      { name: value, goal: 3, cells: cells((own) => own / median('lru-cache')) },
    ]),
    goalFigure({ title: "Memory hit, how much faster than Keyv's Map", better: 'higher' }, [
      { name: value, goal: 4, cells: cells((own) => median('keyv (Map)') / own) },
    ]),
  ]
}

export default {
  title: 'Which goals are met?',
  about: `Each line is a ratio of figures from the same rounds, with the goal beside it. "In the database" replays the statements that an
    operation sends over HTTP on one TCP connection without names, so the server parses and plans each time.`,
  async run(bench) {
    // This comes first, because the heap of the others would slow it down.
    const memory = await inMemory(bench)
    const sites = await openHttpSites(bench)
    return [
      await overHttp(bench, sites),
      ...(await inDatabase(bench, sites)),
      await overTcp(bench),
      ...memory,
      ...(await atScale(bench)),
    ]
  },
} satisfies Question
