/** `npm start`: Postgres, the local Neon endpoint, the migrations, the cities and the worker; one process to end. */
import { readOptions } from './start/options.mjs'
import { requireFreePort } from './start/ports.mjs'
import { StartError } from './start/start-error.mjs'
import { onStopSignal } from './start/stop.mjs'

/** Errors whose first line tells a person what to do. Anything else is a mistake here, and needs its stack trace. */
const EXPECTED = new Set(['StartError', 'LocalNeonError', 'InvalidOptionError', 'DatabaseError', 'NeonDbError'])
const startedAt = performance.now()
/** What ends each part, in the order in which the parts were started. */
const parts = []
const stopping = onStopSignal(parts)

try {
  await start(readOptions())
} catch (error) {
  // Parts that fail because they are being ended are no news.
  if (!stopping.aborted) await fail(error)
}

async function start({ port, databaseUrl, dataDir, cities }) {
  await requireFreePort(port)
  const { startLocalNeon } = await builtPackage()
  const local = await startLocalNeon(databaseUrl === undefined ? { dataDir } : { database: databaseUrl })
  parts.push(() => local.close())
  const { prepareDatabase } = await import('./start/prepare-database.mjs')
  const { total } = await prepareDatabase(local, { cities, signal: stopping })
  stopping.throwIfAborted()
  const { runWorker } = await import('./start/run-worker.mjs')
  const { endpoint, connectionString } = local
  parts.push(await runWorker({ port, connectionString }))
  stopping.throwIfAborted()
  const { introduce } = await import('./start/introduce.mjs')
  const database = databaseUrl === undefined ? `PGlite in ${dataDir}` : `Postgres at ${new URL(databaseUrl).host}`
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(introduce({ port, endpoint, database, cities: total, seconds }))
}

// `npm start` builds first; plain `node worker/start.mjs` may find nothing to run.
async function builtPackage() {
  try {
    return await import('pgstash/dev')
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new StartError('The package is not built: use npm start, or npm run build first.')
  }
}

async function fail(error) {
  console.error(EXPECTED.has(error.name) ? `pgstash: ${error.message.split('\n')[0]}` : error)
  await Promise.allSettled(parts.map((end) => end()))
  process.exit(1)
}
