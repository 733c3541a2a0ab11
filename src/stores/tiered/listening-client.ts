/** The steps of one listening connection: it connects, sends heartbeats, and ends. */
import { DatabaseError } from '../../values/errors.ts'
import { SQLSTATE, text } from '../../values/redact.ts'

/** A client that can listen: `Client` of `pg`, or of `@neondatabase/serverless` over a WebSocket. */
export interface ListeningClient {
  /** Opens the connection. */
  connect(): Promise<unknown>
  /** Runs a statement. */
  query(text: string): Promise<unknown>
  /** Ends the connection. */
  end(): Promise<unknown>
  /** Calls the listener for each notification, for each error, and at the end of the connection. */
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

export interface ListeningRules {
  readonly channel: string
  /** The pause between two heartbeats. If undefined, none are sent. */
  readonly heartbeatMs: number | undefined
  /** The longest wait for each answer of the server. */
  readonly timeoutMs: number
}

/** The heartbeat asks for the channels of the session, so that the answer also shows whether it still listens. */
const HEARTBEAT = 'select pg_listening_channels()'

/** The longest wait for the end of a connection, because an unreachable host never confirms it. */
const LONGEST_END_MS = 1_000

/** @throws DatabaseError if the server does not answer in time; any error of the client */
export async function connectClient(client: ListeningClient, { timeoutMs }: ListeningRules): Promise<void> {
  await answerWithin(timeoutMs, client.connect())
}

/**
 * Resolves once the session listens.
 *
 * @throws DatabaseError if the server does not answer in time; any error of the client
 */
export async function startListening(client: ListeningClient, { channel, timeoutMs }: ListeningRules): Promise<void> {
  await answerWithin(timeoutMs, client.query(`listen "${channel.replaceAll('"', '""')}"`))
}

/**
 * Sends heartbeats until the signal is aborted. Without them, a dead connection looks like a quiet connection forever,
 * because TCP notices a dead peer only when it sends.
 *
 * @throws DatabaseError if an answer is late, or if the session no longer listens; any error of the client
 */
export async function sendHeartbeats(
  client: ListeningClient,
  { heartbeatMs, timeoutMs }: ListeningRules,
  signal: AbortSignal,
): Promise<void> {
  if (heartbeatMs === undefined) return
  for (;;) {
    await pause(heartbeatMs, signal)
    if (signal.aborted) return
    const { rows } = Object(await answerWithin(timeoutMs, client.query(HEARTBEAT)).catch(ignoreRefusal)) as {
      rows?: unknown
    }
    if (Array.isArray(rows) && rows.length === 0) {
      throw new DatabaseError(
        'The session no longer listens. A pooler in transaction mode does not keep LISTEN: connect to the direct host.',
      )
    }
  }
}

/**
 * Ignores a refusal by the server, which also shows that the connection is alive. If it died, the client emits an
 * event.
 */
function ignoreRefusal(error: unknown): undefined {
  if (!SQLSTATE.test(text(error, 'code'))) throw error
}

/**
 * Ends the connection, or closes its socket if the server does not confirm the end. Never rejects.
 *
 * @param hasConnected if false, the socket is closed without a message to the server. The neon driver would send the
 *   message from a timer, over a WebSocket that is not open yet, and the error would end the process.
 */
export async function endListening(client: ListeningClient, hasConnected: boolean): Promise<void> {
  try {
    if (!hasConnected && closeSocket(client)) return
    await answerWithin(LONGEST_END_MS, client.end())
  } catch {
    closeSocket(client)
  }
}

/** Returns false if the client hides its socket, as a client of another package may. */
function closeSocket(client: ListeningClient): boolean {
  const stream: unknown = Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')
  const { destroy } = Object(stream)
  if (typeof destroy !== 'function') return false
  destroy.call(stream)
  return true
}

/** Waits for the given time, or until the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = quietTimer(end, ms)
    signal.addEventListener('abort', end)
  })
}

async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = quietTimer(() => reject(new DatabaseError(`The listening connection got no answer within ${ms} ms.`)), ms)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Starts a timer that does not keep the process alive. Only Node's timers have `unref`. */
function quietTimer(end: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(end, ms)
  Object(timer).unref?.()
  return timer
}
