import type { Bench } from '../harness/bench.ts'
import { measure, rateCells, slicesOf } from '../harness/measure.ts'
import { createMeter } from '../harness/meter.ts'
import type { Case, Question } from '../harness/question.ts'
import { openSite } from '../harness/site.ts'
import { startWorker, type Worker } from '../harness/workerd.ts'

const PAGES = 50

interface Served extends Worker {
  readonly name: string
}

async function workers(bench: Bench): Promise<Served[]> {
  const all: Served[] = []
  const [current] = bench.checkouts
  if (current === undefined) return all
  for (const checkout of bench.checkouts) {
    const { database } = await openSite(bench, checkout)
    const connection = new URL(await bench.neon(database))
    const bindings = { ENDPOINT: `http://127.0.0.1:${connection.port}/sql`, DATABASE_URL: connection.href }
    all.push({ ...(await startWorker(bench, 'pgstash', checkout, bindings)), name: checkout.label })
  }
  const others = { none: 'no cache', 'hono-cache': 'hono/cache in miniflare', ocache: 'ocache, memory' }
  for (const [file, name] of Object.entries(others)) {
    all.push({ ...(await startWorker(bench, file, current, {})), name })
  }
  return all
}

async function request({ url }: Worker, i: number): Promise<void> {
  const response = await fetch(new URL(`/page/${i % PAGES}`, url))
  if (!response.ok) throw new Error(`A worker answered with ${response.status}: ${await response.text()}`)
  await response.arrayBuffer()
}

export default {
  title: 'What does a cached response cost in workerd?',
  about: `A Hono application in workerd serves 50 pages of ten kilobytes, all cached. CPU is that of the workerd process, so it does not
    count the database, but it counts miniflare's own cache. On Cloudflare \`hono/cache\` is a cache of one data centre; ocache lives in
    one isolate. A page is cheap to render here: a cache pays where rendering costs more than a round trip.`,
  async run(bench) {
    const all = await workers(bench)
    for (const worker of all) for (let i = 0; i < 2 * PAGES; i++) await request(worker, i)
    const rates: Case[] = []
    const cpu: Case[] = []
    for (const atOnce of [1, 32]) {
      const meter = createMeter()
      const variants = all.map((worker) => {
        return meter.variant({ name: worker.name, run: (i) => request(worker, i) }, worker.cpuMs)
      })
      const name = atOnce === 1 ? 'one request at a time' : `${atOnce} requests at once`
      rates.push({ name, cells: rateCells(await measure(variants, slicesOf(bench.settings, atOnce)), 'pgstash') })
      const cells = await meter.cells()
      if (cells.length > 0) cpu.push({ name, cells })
    }
    return [
      { title: 'Requests in a second', unit: 'calls per second', better: 'higher', cases: rates },
      { title: 'CPU of workerd for each request', unit: 'milliseconds', better: 'lower', cases: cpu },
    ]
  },
} satisfies Question
