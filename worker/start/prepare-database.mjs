import { neon, neonConfig } from '@neondatabase/serverless'
import { Presets, SingleBar } from 'cli-progress'
import { drizzle } from 'drizzle-orm/neon-http'
import { migrate } from 'pgstash/migrate'
import { loadCities } from './load-cities.mjs'
import { StartError } from './start-error.mjs'

/** A database that takes longer to answer its first query is as good as unreachable. */
const FIRST_ANSWER_MS = 10_000

/** Creates the cache's tables, and the cities with a progress bar, over the endpoint. */
export async function prepareDatabase({ endpoint, connectionString }, { cities, signal }) {
  neonConfig.fetchEndpoint = endpoint
  const sql = neon(connectionString)
  await requireAnswer(sql)
  await migrate(drizzle(sql))
  const progress = showProgress()
  try {
    return await loadCities(sql, { limit: cities, onProgress: progress.show, signal })
  } finally {
    progress.end()
  }
}

/** A progress bar on a terminal. Elsewhere a line, because a bar would be a heap of control characters. */
function showProgress() {
  const { isTTY } = process.stdout
  const format = '  loading cities  {bar} {percentage}%  {value}/{total}'
  const bar = new SingleBar({ format, stream: process.stdout, hideCursor: true }, Presets.shades_classic)
  let isShown = false
  return {
    show(loaded, total) {
      if (isShown) bar.update(loaded)
      else if (isTTY) bar.start(total, loaded)
      else console.log(`  loading ${total.toLocaleString('en')} cities`)
      isShown = true
    },
    end() {
      if (isShown && isTTY) bar.stop()
    },
  }
}

async function requireAnswer(sql) {
  try {
    await sql.query('select 1', [], { fetchOptions: { signal: AbortSignal.timeout(FIRST_ANSWER_MS) } })
  } catch (error) {
    throw new StartError(`The database cannot be used: ${reason(error)}`)
  }
}

// Show Postgres's own message if it answered, such as for a wrong password. It does not repeat the password.
function reason(error) {
  if (error.sourceError?.name === 'TimeoutError') return `no answer within ${FIRST_ANSWER_MS / 1000} seconds.`
  return error.message.split('\n')[0].replace(/\s*\(HTTP status \d+\)/, '')
}
