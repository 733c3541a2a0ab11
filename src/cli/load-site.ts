/** Opens the endpoint for the load: always over HTTP, so that clients work as they do at the edge. */
import { randomBytes } from 'node:crypto'
import { startLocalNeon } from '../dev/index.ts'
import { databaseClock } from '../load/database-clock.ts'
import type { LoadTarget } from '../load/make-call.ts'
import { migrate } from '../migrate/index.ts'
import { createCache } from '../postgres/create-cache.ts'
import type { CacheTables } from '../schema/index.ts'
import { createFaults, type FaultRate } from '../testing/faults.ts'
import { omitUndefined } from './cache-options.ts'
import { connect, findTarget } from './connect.ts'
import { UserError } from './user-error.ts'

/** About one request in twenty fails: often enough to meet each kind, rare enough that most calls still succeed. */
const RATES: readonly FaultRate[] = [
  { fault: { kind: 'reset' }, rate: 0.01 },
  { fault: { kind: 'lose' }, rate: 0.015 },
  { fault: { kind: 'truncate', bytes: 10 }, rate: 0.005 },
  { fault: { kind: 'error', status: 503 }, rate: 0.01 },
  { fault: { kind: 'delay', ms: 20 }, rate: 0.02 },
]

interface SiteOptions {
  readonly databaseUrl?: string
  readonly endpoint?: string
  readonly seed: number
  readonly faults: boolean
  readonly tables: CacheTables
}

/** @throws UserError, LocalNeonError, DatabaseError */
export async function openSite({ tables, seed, ...options }: SiteOptions) {
  const faults = createFaults()
  const { local, databaseUrl, endpoint } = await startEndpoint(options, faults)
  const { db, close } = await connect({ databaseUrl, ...(endpoint === undefined ? {} : { endpoint }) })
  const namespace = `pgstash-load-${randomBytes(6).toString('hex')}`
  const cache = createCache(db, { namespace, tables })
  try {
    if (local?.embedded) await migrate(db, { tables })
    // Reports missing tables here, once, instead of in each client.
    await cache.count()
  } catch (error) {
    await local?.server.close()
    throw error
  }
  if (options.faults) faults.random(seed, RATES)
  return {
    databaseUrl,
    endpoint,
    namespace,
    target: { cache, clock: databaseClock(db) } satisfies LoadTarget,
    heal: () => faults.heal(),
    async close() {
      faults.heal()
      await cache.clear()
      await close()
      await local?.server.close()
    },
  }
}

async function startEndpoint(
  { databaseUrl, endpoint, faults }: Pick<SiteOptions, 'databaseUrl' | 'endpoint' | 'faults'>,
  intercept: ReturnType<typeof createFaults>,
) {
  const target = await findTarget(omitUndefined({ databaseUrl, endpoint }))
  if (target?.isHttp) {
    if (faults)
      throw new UserError(
        'Expected --faults only with a database over TCP, or without a database: the command cannot inject faults over HTTP.',
      )
    return { databaseUrl: target.databaseUrl, endpoint: target.endpoint }
  }
  // Without `onResponse`, because the log of faults would grow for as long as the load runs.
  const server = await startLocalNeon({
    intercept: { onRequest: (request) => intercept.onRequest(request) },
    ...(target && { database: target.databaseUrl }),
  })
  const local = { server, embedded: target === undefined }
  return { local, databaseUrl: server.connectionString, endpoint: server.endpoint }
}
