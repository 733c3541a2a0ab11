/** A process of `pgstash load`: runs its clients and sends their history to the parent. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Cache } from '../cache.ts'
import { databaseClock } from '../load/database-clock.ts'
import type { Recorded } from '../load/history.ts'
import { runClients } from '../load/run-load.ts'
import { createCache } from '../postgres/create-cache.ts'
import type { CacheEvent } from '../values/events.ts'
import { omitUndefined, tablesOf } from './cache-options.ts'
import { connect } from './connect.ts'
import { type FromProcess, type LoadOrder, type RoundTrips, STOPPED_BY, type ToProcess } from './load-order.ts'

/** Long, so that a busy machine does not look like a broken store. */
const TIMEOUT_MS = 60_000
const PROGRESS_MS = 500

const stop = new AbortController()
// These signals may reach the whole process group. The parent decides when to end, and still needs the history.
for (const signal of STOPPED_BY) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
process.on('message', async (message: ToProcess) => {
  if (message === 'stop') return stop.abort()
  try {
    tell(await run(message.start, message.first))
  } catch (error) {
    tell({ problem: error instanceof Error ? error.message : 'The process failed.' })
  }
})

async function run(order: LoadOrder, first: number): Promise<RoundTrips & { history: Recorded[] }> {
  const { plan, databaseUrl, endpoint, namespace, expiration, origin, schema, prefix } = order
  const { db, close } = await connect({ databaseUrl, ...omitUndefined({ endpoint }) })
  const tables = tablesOf(omitUndefined({ schema, prefix }))
  const wrap = await wrapperOf(order.wrap)
  let roundTrips = 0
  const onEvent = (event: CacheEvent) => {
    roundTrips += event.roundTrips
  }
  const cache = wrap(createCache(db, { namespace, tables, expiration, timeout: TIMEOUT_MS, onEvent, warn: false }))
  const target = { cache, clock: databaseClock(db) }
  const history: Recorded[] = []
  const progress = setInterval(() => tell({ calls: history.length }), PROGRESS_MS)
  const now = () => Number(process.hrtime.bigint() - origin) / 1e6
  const { signal } = stop
  try {
    await runClients({ connect: () => target, plan, first, now, signal, tagPrefix: `${namespace}-` }, (record) =>
      history.push(record),
    )
  } finally {
    clearInterval(progress)
    await close()
  }
  return { history, roundTrips }
}

async function wrapperOf(path: string | undefined): Promise<(cache: Cache) => Cache> {
  if (path === undefined) return (cache) => cache
  const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }
  if (typeof module.default === 'function') return module.default as (cache: Cache) => Cache
  throw new TypeError(
    'Expected the default export of the --wrap module to be a function that takes and returns a cache.',
  )
}

function tell(message: FromProcess): void {
  process.send?.(message)
}
