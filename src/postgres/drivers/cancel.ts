/**
 * Asks Postgres to stop the statement that a connection runs.
 *
 * Closing the connection does not stop the statement, because the server notices only when it writes to the connection.
 * A statement that waits for a lock would still take effect later.
 */
import { isWorkers } from '../../values/workers.ts'
import { classOf } from './pg-client.ts'

/** Long enough to open a TLS connection to another continent. Until then the pool cannot replace the connection. */
const CANCEL_LIMIT_MS = 1_000

/** The part of a client's connection that we use. */
interface Connection {
  connect(portOrPath: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: unknown): void
  once(event: 'connect' | 'sslconnect' | 'end', listener: () => void): unknown
  on(event: 'error', listener: () => void): unknown
  readonly stream: { destroy?(): void }
}

/** The part of a client that a cancel request needs. */
interface Target {
  readonly processID?: number | null
  readonly secretKey?: unknown
  readonly host?: string
  readonly port: number
  readonly ssl?: unknown
  readonly sslNegotiation?: string
}

/**
 * Sends the cancel request over a separate connection. Resolves when the server has closed that connection, which it
 * does after it has passed on the request. Also resolves if the request cannot be sent in time. Never rejects.
 *
 * @param client the client whose statement must end
 * @param options the options for a new client of the same server
 */
export async function cancelStatement(client: object, options: object): Promise<void> {
  const target = client as Target
  // On Workers there is a pooler or Hyperdrive in between. A request whose caller gave up must not open new sockets
  // either.
  if (!target.processID || isWorkers()) return
  try {
    await sendCancel(target, new (classOf(client))(options))
  } catch {}
}

function sendCancel({ processID, secretKey }: Target, canceller: unknown): Promise<void> {
  const { host, port, ssl, sslNegotiation } = canceller as Target
  const { connection } = canceller as { readonly connection: Connection }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(end, CANCEL_LIMIT_MS)
    function end() {
      clearTimeout(timer)
      connection.stream.destroy?.()
      resolve()
    }
    const cancel = () => connection.cancel(processID as number, secretKey)
    connection.on('error', end)
    connection.once('end', end)
    connection.once('connect', () => {
      if (!ssl) cancel()
      else if (sslNegotiation !== 'direct') connection.requestSsl()
    })
    connection.once('sslconnect', cancel)
    try {
      if (host?.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
      else connection.connect(port, host)
    } catch (error) {
      clearTimeout(timer)
      reject(error)
    }
  })
}
