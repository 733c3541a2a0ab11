/** A real Postgres server as the database, through a pool of `pg` connections that return every value as text. */

import type { ClientConfig, Pool, PoolClient, QueryArrayConfig, QueryArrayResult } from 'pg'
import { SQLSTATE_ADVICE } from '../values/sqlstate-advice.ts'
import type { Backend, ResultSink, Statement, Work } from './backend.ts'
import { AnswerFailure, CancelledFailure, LostDatabaseFailure, PostgresFailure } from './backend.ts'
import { importPeer } from './import-peer.ts'
import { LocalNeonError } from './local-neon-error.ts'
import { refuseCopy } from './refuse-copy.ts'
import { speaksHttp } from './speaks-http.ts'

type Peer = typeof import('pg').default

const POSTGRES_PORT = 5432

/** A cancelled statement may take this long to end. Then its connection is closed. */
const CANCEL_GRACE_MS = 1_000

/**
 * The time limit for a connection, including the wait for a free one. Otherwise an unresponsive host would hang
 * `close()`.
 */
const CONNECT_TIMEOUT_MS = 30_000

/** Returns every value as the text that Postgres sent. */
const RAW_TEXT = { getTypeParser: () => (text: string) => text }

/** Connects to the server. Fails at once if that is impossible. */
export async function createPgBackend(connectionString: string, poolSize: number): Promise<Backend> {
  const { default: pg } = await importPeer('pg', () => import('pg'))
  const config: ClientConfig = { connectionString, application_name: 'pgstash local neon' }
  const backend = new PgBackend(pg, config, poolSize)
  try {
    await backend.check()
    return backend
  } catch (error) {
    await backend.close()
    // Never passes the error on, because errors of pg may contain the connection string or the password.
    const code = error instanceof PostgresFailure ? error.fields.code : undefined
    if (code !== undefined)
      throw new LocalNeonError(SQLSTATE_ADVICE[code] ?? `Postgres refused the connection with ${code}.`)
    throw new LocalNeonError(await unreachable(new URL(connectionString)))
  }
}

async function unreachable({ host, hostname, port }: URL): Promise<string> {
  if (await speaksHttp(hostname, Number(port || POSTGRES_PORT))) {
    return `Expected a Postgres server at ${host}, but an HTTP server listens there, perhaps this or another local Neon. Use the URL of the Postgres server itself.`
  }
  return `Expected a Postgres server at ${host}, but it is unreachable. Check the host and port, and that the server runs.`
}

class PgBackend implements Backend {
  readonly #pg: Peer
  readonly #config: ClientConfig
  readonly #pool: Pool

  constructor(pg: Peer, config: ClientConfig, poolSize: number) {
    this.#pg = pg
    this.#config = config
    this.#pool = new pg.Pool({ ...config, max: poolSize, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
    // A broken connection leaves the pool by itself, and its query fails. The pool reports errors of idle connections,
    // and each client those of busy ones. Without both listeners, the event would end the process.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => client.on('error', () => {}))
  }

  async check(): Promise<void> {
    const client = await this.#connect()
    client.release()
  }

  async run(work: Work, sink: ResultSink, signal: AbortSignal): Promise<void> {
    const client = await this.#connect()
    const lease = new Lease(client)
    const onAbort = () => this.#cancel(client, lease)
    signal.addEventListener('abort', onAbort)
    try {
      await this.#runOn(client, work, sink, signal)
    } catch (error) {
      if (error instanceof AnswerFailure) lease.discard()
      throw signal.aborted ? new CancelledFailure('The client left.') : this.#toFailure(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (signal.aborted) lease.discard()
      else void lease.recycle()
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #connect(): Promise<PoolClient> {
    try {
      const client = await this.#pool.connect()
      return client
    } catch (error) {
      throw this.#toFailure(error, true)
    }
  }

  async #runOn(client: PoolClient, work: Work, sink: ResultSink, signal: AbortSignal): Promise<void> {
    const stopIfAborted = () => {
      if (signal.aborted) throw new CancelledFailure('The client left.')
    }
    stopIfAborted()
    if (work.begin === undefined) {
      for (const statement of work.statements) await this.#execute(client, statement, sink)
      return
    }
    await client.query(work.begin)
    try {
      for (const statement of work.statements) {
        await this.#execute(client, statement, sink)
        stopIfAborted()
      }
    } catch (error) {
      if (!(error instanceof AnswerFailure)) await client.query('ROLLBACK').catch(() => undefined)
      throw error
    }
    await client.query('COMMIT')
  }

  /** Streams the rows, so that an answer above the limit is stopped before it fills the memory. */
  async #execute(client: PoolClient, statement: Statement, sink: ResultSink): Promise<void> {
    refuseCopy(statement.sql)
    // The types of pg lack queryMode.
    const config: QueryArrayConfig & { queryMode: 'extended' } = {
      text: statement.sql,
      values: [...statement.params],
      rowMode: 'array',
      // As in Neon, even without parameters: this mode allows only one statement per request.
      queryMode: 'extended',
      types: RAW_TEXT,
    }
    await new Promise<void>((resolve, reject) => {
      const query = client.query(new this.#pg.Query(config))
      let hasFields = false
      let hasFailed = false
      const describe = (result: QueryArrayResult) => {
        if (!hasFields) sink.fields(result.fields)
        hasFields = true
      }
      sink.begin(statement)
      query.on('row', (row: unknown, result?: unknown) => {
        if (hasFailed) return
        try {
          describe(result as QueryArrayResult)
          sink.row(row as (string | null)[])
        } catch (error) {
          hasFailed = true
          reject(error)
        }
      })
      query.on('error', reject)
      query.on('end', (result: unknown) => {
        const { command, rowCount } = result as QueryArrayResult
        describe(result as QueryArrayResult)
        sink.end(command ?? '', rowCount)
        resolve()
      })
    })
  }

  /** Cancels the running statement of a connection. Uses a new connection, because the pool may be exhausted. */
  #cancel(client: PoolClient, lease: Lease): void {
    const timer = setTimeout(() => lease.discard(), CANCEL_GRACE_MS)
    const { processID } = client as PoolClient & { processID: number | null }
    const canceller = new this.#pg.Client(this.#config)
    canceller.on('error', () => {})
    const cancelled = canceller.connect().then(() => canceller.query('select pg_cancel_backend($1)', [processID]))
    cancelled
      .catch(() => lease.discard())
      .finally(() => canceller.end())
      .catch(() => undefined)
    lease.onDiscard(() => clearTimeout(timer))
  }

  #toFailure(error: unknown, atConnect = false): unknown {
    if (error instanceof this.#pg.DatabaseError) return new PostgresFailure(error, atConnect)
    if (error instanceof PostgresFailure || error instanceof AnswerFailure) return error
    return new LostDatabaseFailure(atConnect ? 'error connecting to server' : 'error communicating with the server')
  }
}

/** A connection borrowed from the pool, and returned exactly once. */
class Lease {
  readonly #client: PoolClient
  #isReturned = false
  #cleanup: () => void = () => {}

  constructor(client: PoolClient) {
    this.#client = client
  }

  onDiscard(cleanup: () => void): void {
    this.#cleanup = cleanup
    if (this.#isReturned) cleanup()
  }

  /** Closes the connection, even if it is busy. */
  discard(): void {
    this.#cleanup()
    if (this.#isReturned) return
    this.#isReturned = true
    this.#client.release(true)
  }

  /**
   * Discards settings, temporary tables and locks, and returns the connection to the pool.
   *
   * `DISCARD ALL` fails inside an open or failed transaction. Such a connection is closed, as in Neon. It takes about
   * 50 µs, after the answer is sent.
   */
  async recycle(): Promise<void> {
    if (this.#isReturned) return
    try {
      await this.#client.query('DISCARD ALL')
      this.#isReturned = true
      this.#client.release()
    } catch {
      this.discard()
    }
  }
}
