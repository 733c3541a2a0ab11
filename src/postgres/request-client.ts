/**
 * Finds database clients that a Cloudflare Worker shares between requests. On Workers, a socket belongs to the request
 * that opened it. In any other request, workerd refuses to use the socket, or the query hangs.
 */
import { InvalidOptionError } from '../values/errors.ts'
import { isWorkers } from '../values/workers.ts'

const ADVICE =
  'On Cloudflare Workers a connection belongs to the request that opened it. Create client, database and cache in the handler, for each request, or use neon-http.'

/** workerd's message if it detects this itself. */
const REFUSED = /\bI\/O on behalf of a different (?:request|Durable Object)\b/

/**
 * For each client, an object that belongs to the request that first used the client. The map is weak, so that one
 * client per request does not leak.
 */
const owners = new WeakMap<object, AbortController>()

/**
 * Returns a check for every call on this database.
 *
 * The check throws InvalidOptionError in every request except the one that first used the database's client.
 */
export function createRequestCheck(db: object): () => void {
  const client = connectedClient(db)
  if (client === undefined) return () => {}
  return () => {
    const owner = owners.get(client)
    if (owner === undefined) owners.set(client, new AbortController())
    else if (!isOfThisRequest(owner)) throw sharedClientError()
  }
}

/**
 * The error of the check. It also replaces a failure that the check missed, because other code used the client first.
 */
export function sharedClientError(): InvalidOptionError {
  return new InvalidOptionError(`Another request used the database's client. ${ADVICE}`)
}

export function isRefusedByWorkerd(error: unknown): boolean {
  const message: unknown = Reflect.get(Object(error), 'message')
  return typeof message === 'string' && REFUSED.test(message)
}

/** Suggests a likely reason for a timeout on Workers. */
export function timeoutAdvice(db: object): string | undefined {
  return isWorkers() && connectedClient(db) !== undefined ? `Do requests share its client? ${ADVICE}` : undefined
}

/**
 * Detects the request by its signal: in workerd, reading a signal of another request throws. The requests of a Durable
 * Object share all objects.
 */
function isOfThisRequest(owner: AbortController): boolean {
  try {
    return !owner.signal.aborted
  } catch {
    return false
  }
}

/** Returns the client if its driver keeps connections: `pg`, `postgres`, and Neon's driver over WebSockets. */
function connectedClient(db: object): object | undefined {
  const client: unknown = Reflect.get(db, '$client')
  if (typeof client === 'function') return 'unsafe' in client && 'end' in client ? client : undefined
  if (typeof client !== 'object' || client === null || !('connect' in client && 'query' in client)) return undefined
  // A pool that closes each connection after one use opens a new one in each request.
  const { maxUses } = Object(Reflect.get(client, 'options'))
  return maxUses === 1 ? undefined : client
}
