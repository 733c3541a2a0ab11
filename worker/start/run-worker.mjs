import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { StartError } from './start-error.mjs'

/** About twenty times the usual duration. */
const START_TIMEOUT_MS = 30_000
const CONFIG = fileURLToPath(new URL('../../wrangler.toml', import.meta.url))

/** Turns off prompts, telemetry, the check for updates, and the download of `Request.cf`. */
const QUIET = {
  CI: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
}

/** Runs the worker in workerd, through wrangler in this process. Returns a function that stops it. */
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

/** Wrangler itself would wait for a successful build or a free port without end. */
function failure(worker) {
  return new Promise((_, reject) => {
    const refuse = (why) => reject(new StartError(`The worker could not be started: ${why}`))
    worker.raw.on('error', ({ reason, cause }) => refuse(cause?.message ?? reason ?? 'wrangler gave no reason.'))
    setTimeout(refuse, START_TIMEOUT_MS, `it was not ready after ${START_TIMEOUT_MS / 1000} seconds.`).unref()
  })
}

// The page sends requests every few seconds. A line for each would bury the messages of the worker, and wrangler has no log
// level that separates the two.
function hideRequestLines() {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = (chunk, ...rest) => {
    const text = stripVTControlCharacters(String(chunk))
    return text.startsWith('[wrangler:info]') ? true : write(chunk, ...rest)
  }
}
