/** `npm start` starts Postgres, the local Neon endpoint and the worker, and creates the tables, all in one process. */
import { readOptions } from './start/options.mjs'
import { requireFreePort } from './start/ports.mjs'
import { StartError } from './start/start-error.mjs'
import { onStopSignal } from './start/stop.mjs'

/** The first line of these errors says what to do. Any other error is a bug here, and needs its stack trace. */
const EXPECTED = new Set(['StartError', 'LocalNeonError', 'InvalidOptionError', 'DatabaseError', 'NeonDbError'])
const startedAt = performance.now()
/** The functions that stop the parts, in the order in which the parts were started. */
const parts = []
const stopping = onStopSignal(parts)

try {
  await start(readOptions())
} catch (error) {
  // Ignore parts that fail because they are being stopped.
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

// `npm start` builds first. Plain `node worker/start.mjs` may find no build.
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
