/** One connection that listens: it connects, proves at intervals that it still hears, and ends. */
import { DatabaseError } from '../../values/errors.ts'
import { SQLSTATE, text } from '../../values/redact.ts'

/** A connection that can listen: `Client` of `pg`, or of `@neondatabase/serverless` over a WebSocket. */
export interface ListeningClient {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

export interface ListeningRules {
  readonly channel: string
  /** The pause between two heartbeats. Undefined sends none. */
  readonly heartbeatMs: number | undefined
  /** The longest wait for each answer of the server. */
  readonly timeoutMs: number
}

/** The channels of the session, so that an answer also proves that it still listens. */
const HEARTBEAT = 'select pg_listening_channels()'

/** The longest wait for the end of a connection, because an unreachable host never confirms it. */
const LONGEST_END_MS = 1_000

/**
 * Connects and listens. Resolves once the session listens.
 *
 * @throws DatabaseError if the server does not answer in time; otherwise what the client throws
 */
export async function startListening(client: ListeningClient, { channel, timeoutMs }: ListeningRules): Promise<void> {
  await answerWithin(timeoutMs, client.connect())
  await answerWithin(timeoutMs, client.query(`listen "${channel.replaceAll('"', '""')}"`))
}

/**
 * Sends heartbeats until the signal is aborted. Without them, a connection that the network forgot looks like a quiet one for
 * ever: TCP notices a dead peer only when it sends.
 *
 * @throws DatabaseError if an answer is late, or if the session no longer listens; otherwise what the client throws
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
    const { rows } = Object(await answerWithin(timeoutMs, client.query(HEARTBEAT)).catch(refusal)) as { rows?: unknown }
    if (Array.isArray(rows) && rows.length === 0) {
      throw new DatabaseError(
        'The session no longer listens. A pooler in transaction mode forgets that it does: connect to the direct host.',
      )
    }
  }
}

/** A refusal by the server proves the connection too. If it also ended the connection, the client says so by an event. */
function refusal(error: unknown): undefined {
  if (!SQLSTATE.test(text(error, 'code'))) throw error
}

/** Ends the connection, or closes its socket if the server does not confirm the end. Never rejects. */
export async function endListening(client: ListeningClient): Promise<void> {
  try {
    await answerWithin(LONGEST_END_MS, client.end())
  } catch {
    const stream: unknown = Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')
    const { destroy } = Object(stream)
    if (typeof destroy === 'function') destroy.call(stream)
  }
}

/** Resolves after the time, or as soon as the signal is aborted. */
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
    timer = quietTimer(
      () => reject(new DatabaseError(`The connection that listens got no answer within ${ms} ms.`)),
      ms,
    )
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A timer that does not keep the process alive. Timers of runtimes other than Node have no `unref`. */
function quietTimer(end: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(end, ms)
  Object(timer).unref?.()
  return timer
}
