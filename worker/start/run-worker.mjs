import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { StartError } from './start-error.mjs'

/** About twenty times what it takes. */
const START_TIMEOUT_MS = 30_000
const CONFIG = fileURLToPath(new URL('../../wrangler.toml', import.meta.url))

/** No questions, no telemetry, no look at the registry, and no `Request.cf` from the network. */
const QUIET = {
  CI: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
}

/** Runs the worker in workerd, through wrangler in this process; answers a function that ends it. */
export async function runWorker({ port, connectionString }) {
  Object.assign(process.env, QUIET)
  hideRequestLines()
  const { unstable_startWorker: startWorker } = await import('wrangler')
  process.on('exit', stopEsbuild)
  const worker = await startWorker({
    config: CONFIG,
    bindings: {
      DATABASE_URL: { type: 'secret_text', value: connectionString },
    },
    sendMetrics: false,
    dev: {
      server: { hostname: '127.0.0.1', port, secure: false },
      inspector: false,
      remote: false,
      persist: false,
      watch: false,
      liveReload: false,
      testScheduled: true,
      logLevel: 'info',
    },
  })
  await Promise.race([worker.ready, failure(worker)])
  return () => worker.dispose()
}

/** Wrangler's esbuild outlives this process if a build is under way. It would hold the terminal's output open. */
function stopEsbuild() {
  createRequire(import.meta.resolve('wrangler'))('esbuild').stop()
}

/** Wrangler itself would wait for ever: for a build that succeeds, or for a port. */
function failure(worker) {
  return new Promise((_, reject) => {
    const refuse = (why) => reject(new StartError(`The worker could not be started: ${why}`))
    worker.raw.on('error', ({ reason, cause }) => refuse(cause?.message ?? reason ?? 'wrangler gave no reason.'))
    setTimeout(refuse, START_TIMEOUT_MS, `it was not ready after ${START_TIMEOUT_MS / 1000} seconds.`).unref()
  })
}

// A line for every request of a page that asks every few seconds would bury what the worker itself has to say, and
// wrangler has no level for the one without the other.
function hideRequestLines() {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = (chunk, ...rest) => {
    const text = stripVTControlCharacters(String(chunk))
    return text.startsWith('[wrangler:info]') ? true : write(chunk, ...rest)
  }
}
