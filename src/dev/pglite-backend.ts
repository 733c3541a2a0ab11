/**
 * PGlite as the database: one connection, which runs requests one after another.
 *
 * Uses the wire protocol through `execProtocol`, because PGlite's own `query` converts parameters and values by type.
 */

import type { PGlite, PGliteOptions } from '@electric-sql/pglite'
import { parseCommandTag } from './answer.ts'
import {
  type Backend,
  CancelledFailure,
  LostDatabaseFailure,
  PostgresFailure,
  type ResultSink,
  type Statement,
  type Work,
} from './backend.ts'
import { lockFolder } from './folder-lock.ts'
import { importPeer } from './import-peer.ts'
import { LocalNeonError } from './local-neon-error.ts'
import { privateFiles } from './private-files.ts'
import { openPrivateFolder } from './private-folder.ts'
import { refuseCopy } from './refuse-copy.ts'

type Peer = typeof import('@electric-sql/pglite')
type Messages = Awaited<ReturnType<PGlite['execProtocol']>>['messages']
type MessageNamed<Class extends keyof Peer['messages']> = Peer['messages'][Class] extends abstract new (
  ...args: never[]
) => infer Message
  ? Message
  : never

/** Starts PGlite in this folder, or in memory. */
export async function createPgliteBackend(dataDir: string | undefined): Promise<Backend> {
  const peer = await importPeer('@electric-sql/pglite', () => import('@electric-sql/pglite'))
  const unlock = dataDir === undefined ? async () => {} : await takeFolder(dataDir)
  try {
    const startParams = serverParams(checkVersion(peer).PGlite.defaultStartParams)
    const options: PGliteOptions =
      dataDir === undefined ? { startParams } : { startParams, fs: await privateFiles(dataDir) }
    return new PgliteBackend(peer, await peer.PGlite.create(options), unlock)
  } catch (cause) {
    await unlock()
    if (cause instanceof LocalNeonError) throw cause
    throw new LocalNeonError(
      'PGlite could not start; see the cause. If dataDir holds a database of another version, use a new folder.',
      { cause },
    )
  }
}

/** @throws LocalNeonError for PGlite 0.3, which has no parameters for its server */
function checkVersion(peer: Peer): Peer {
  if (Array.isArray(peer.PGlite.defaultStartParams)) return peer
  throw new LocalNeonError(
    'Expected @electric-sql/pglite 0.4 or newer, got an older one: npm install --save-dev @electric-sql/pglite@latest',
  )
}

async function takeFolder(dataDir: string): Promise<() => Promise<void>> {
  await openPrivateFolder(dataDir)
  return lockFolder(dataDir)
}

/** Changes PGlite's parameters to the defaults of a real server: the search_path, and the time zone of Neon. */
function serverParams(defaults: readonly string[]): string[] {
  const isSearchPath = (param: string | undefined) => param?.startsWith('search_path=') === true
  const others = defaults.filter(
    (param, index) => !isSearchPath(param) && !(param === '-c' && isSearchPath(defaults[index + 1])),
  )
  return [...others, '-c', 'timezone=GMT']
}

class PgliteBackend implements Backend {
  readonly #peer: Peer
  readonly #db: PGlite
  readonly #unlock: () => Promise<void>
  #tail: Promise<void> = Promise.resolve()
  #transactionStatus = 'I'

  constructor(peer: Peer, db: PGlite, unlock: () => Promise<void>) {
    this.#peer = peer
    this.#db = db
    this.#unlock = unlock
  }

  run(work: Work, sink: ResultSink, signal: AbortSignal): Promise<void> {
    const done = this.#tail.then(() => this.#runNow(work, sink, signal))
    // The answer does not wait for the cleanup, but the next request does.
    this.#tail = done.catch(() => undefined).then(() => this.#cleanUp())
    return done
  }

  async close(): Promise<void> {
    await this.#tail
    await this.#db.close().catch(() => undefined)
    await this.#unlock()
  }

  async #runNow(work: Work, sink: ResultSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new CancelledFailure('The client left while its request was waiting.')
    if (work.begin !== undefined) await this.#execute({ sql: work.begin, params: [], arrayMode: true })
    for (const statement of work.statements) await this.#execute(statement, sink)
    if (work.begin !== undefined) await this.#execute({ sql: 'COMMIT', params: [], arrayMode: true })
  }

  /** Ends an open transaction and discards settings, temporary tables, prepared statements and locks. */
  async #cleanUp(): Promise<void> {
    const sql = this.#transactionStatus === 'I' ? ['DISCARD ALL'] : ['ROLLBACK', 'DISCARD ALL']
    for (const text of sql) await this.#execute({ sql: text, params: [], arrayMode: true }).catch(() => undefined)
  }

  async #execute(statement: Statement, sink?: ResultSink): Promise<void> {
    refuseCopy(statement.sql)
    const { serialize } = this.#peer.protocol
    const message = Buffer.concat([
      serialize.parse({ text: statement.sql }),
      serialize.bind({ values: [...statement.params] }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
      serialize.sync(),
    ])
    const { messages } = await this.#db.execProtocol(message, { throwOnError: false }).catch(() => {
      throw new LostDatabaseFailure('PGlite stopped.')
    })
    this.#readStatus(messages)
    if (sink) sink.begin(statement)
    readResult(messages, sink)
  }

  #readStatus(messages: Messages): void {
    for (const message of messages) {
      if (message.name === 'readyForQuery')
        this.#transactionStatus = (message as MessageNamed<'ReadyForQueryMessage'>).status
    }
  }
}

function readResult(messages: Messages, sink: ResultSink | undefined): void {
  const error = messages.find(({ name }) => name === 'error') as MessageNamed<'DatabaseError'> | undefined
  if (error) throw new PostgresFailure(error)
  if (!sink) return
  const description = messages.find(({ name }) => name === 'rowDescription')
  sink.fields((description as MessageNamed<'RowDescriptionMessage'> | undefined)?.fields ?? [])
  let tag = ''
  for (const message of messages) {
    if (message.name === 'dataRow') {
      sink.row((message as MessageNamed<'DataRowMessage'>).fields)
    }
    if (message.name === 'commandComplete') tag = (message as MessageNamed<'CommandCompleteMessage'>).text
  }
  const { command, rowCount } = parseCommandTag(tag)
  sink.end(command, rowCount)
}
