/** `listen`: removes copies as soon as other processes write, by LISTEN and NOTIFY over a persistent connection. */

import { engineOf } from '../../cache/engine.ts'
import type { Cache } from '../../cache.ts'
import type { Changes } from '../../store/changes.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { optionalFunction, optionsObject } from '../../values/options.ts'
import { ignoreRejection } from '../../values/promises.ts'
import { randomNumber } from '../../values/random.ts'
import { MAX_TIMER_MS, milliseconds, type TimeSpan } from '../../values/time-span.ts'
import type { ChangeFeed } from './change-feed.ts'
import {
  connectClient,
  endListening,
  type ListeningClient,
  type ListeningRules,
  pause,
  sendHeartbeats,
  startListening,
} from './listening-client.ts'
import type { TieredStore } from './tiered-store.ts'

/** Options of {@link listen}. */
export interface ListenOptions {
  /** Returns a new client that is not connected yet. Called at the start, and after each lost connection. */
  connect: () => ListeningClient
  /** The name that you passed to `migrate(db, { notify })`. */
  channel: string
  /** Called after each lost connection and each failed attempt. Another attempt follows. Default: not called. */
  onError?: ((error: unknown) => void) | undefined
  /**
   * The pause between two heartbeats, which are cheap queries that show that the connection is alive. Default 10 s. A
   * plain number is milliseconds. A dead connection goes unnoticed for at most this time plus `timeout`. `false` sends
   * no heartbeats.
   */
  heartbeat?: TimeSpan | false | undefined
  /**
   * The longest wait for each answer of the server: to connect, to listen, and for each heartbeat. Default 5 s. A plain
   * number is milliseconds.
   */
  timeout?: TimeSpan | undefined
}

/** The connection that {@link listen} keeps. */
export interface Listening {
  /** Resolves when the first connection listens, or when you call `close` before that. */
  readonly ready: Promise<void>
  /** Ends the connection, and opens no more. */
  close(): Promise<void>
}

/** The pause before the next attempt. It doubles after each failed attempt, up to the longest pause. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000

const HEARTBEAT_MS = 10_000
const TIMEOUT_MS = 5_000

/**
 * Keeps the first tier of a `tieredCache` fresh by LISTEN and NOTIFY.
 *
 * Each write of any process removes the copy as soon as the notification arrives, without a read. Use it in processes
 * and Durable Objects that can keep a connection. `migrate(db, { notify: channel })` installs the triggers that notify.
 *
 * Notifications are lost while there is no connection. So all copies are removed when the connection is lost, after
 * each attempt to connect, and when a new connection listens. Heartbeats find connections that died silently. The
 * connection keeps the process alive until `close`, but timers do not.
 *
 * Notifications are off by default, because Postgres lets transactions that notify commit only one after the other.
 *
 * @throws InvalidOptionError
 * @example
 * const cache = tieredCache({ l1: memoryCache(), l2: createCache(db), l1Expiration: '1h' })
 * const listening = listen(cache, { channel: 'cache', connect: () => new pg.Client(process.env.DATABASE_URL) })
 */
export function listen(cache: Cache, options: ListenOptions): Listening {
  const feed = (engineOf(cache)?.store as Partial<TieredStore> | undefined)?.feed
  if (feed === undefined) throw new InvalidOptionError(`Expected a cache of tieredCache, got ${describeType(cache)}.`)
  const { connect, onError, rules } = parseOptions(options)
  const reportError = (error: unknown) => {
    try {
      ignoreRejection(onError?.(error))
    } catch {
      // A failure of `onError` must not end the listening.
    }
  }
  const closing = new AbortController()
  let isReady: () => void = () => {}
  const ready = new Promise<void>((resolve) => {
    isReady = resolve
  })
  const work = keepListening({ connect, rules, feed, reportError, onReady: isReady, signal: closing.signal })
  return {
    ready,
    async close() {
      closing.abort()
      await work
      isReady()
    },
  }
}

/** @throws InvalidOptionError */
function parseOptions(options: ListenOptions) {
  const { connect, channel, onError, heartbeat, timeout } = optionsObject<ListenOptions>(options, [
    'connect',
    'channel',
    'onError',
    'heartbeat',
    'timeout',
  ])
  if (typeof connect !== 'function') {
    throw new InvalidOptionError(`Expected connect to be a function, got ${describeType(connect)}.`)
  }
  if (typeof channel !== 'string' || channel === '') {
    throw new InvalidOptionError(`Expected channel to be the name of a channel, got ${describeType(channel)}.`)
  }
  optionalFunction('onError', onError)
  const span = (name: string, value: TimeSpan) =>
    milliseconds(name, value, { numbers: 'milliseconds', min: 1, max: MAX_TIMER_MS })
  const rules: ListeningRules = {
    channel,
    heartbeatMs: heartbeat === false ? undefined : span('heartbeat', heartbeat ?? HEARTBEAT_MS),
    timeoutMs: span('timeout', timeout ?? TIMEOUT_MS),
  }
  return { connect, onError, rules }
}

interface Listener {
  readonly connect: () => ListeningClient
  readonly rules: ListeningRules
  readonly feed: ChangeFeed
  readonly reportError: (error: unknown) => void
  readonly onReady: () => void
  readonly signal: AbortSignal
}

async function keepListening(listener: Listener): Promise<void> {
  const { signal } = listener
  let failures = 0
  while (!signal.aborted) {
    const hasListened = await listenOnce(listener)
    if (signal.aborted) return
    failures = hasListened ? 0 : failures + 1
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    await pause(pauseMs * (0.5 + randomNumber()), signal)
  }
}

/** Listens until the connection ends. Returns true if it ever listened. Never rejects. */
async function listenOnce({ connect, rules, feed, reportError, onReady, signal }: Listener): Promise<boolean> {
  const ending = new AbortController()
  const end = () => ending.abort()
  const ended = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve())
  })
  signal.addEventListener('abort', end)
  let client: ListeningClient | undefined
  let hasConnected = false
  let hasListened = false
  async function listenWith(opened: ListeningClient): Promise<void> {
    await connectClient(opened, rules)
    hasConnected = true
    await startListening(opened, rules)
    await feed.flush()
    hasListened = true
    onReady()
    await sendHeartbeats(opened, rules, ending.signal)
    await ended
  }
  try {
    client = connect()
    client.on('error', (error) => {
      reportError(error)
      end()
    })
    client.on('end', end)
    client.on('notification', ({ payload }) => void applyPayload(feed, payload))
    // `close` does not wait for a host that never answers.
    await Promise.race([listenWith(client), ended])
  } catch (error) {
    reportError(error)
  }
  // Otherwise each lost connection would leave a listener behind.
  signal.removeEventListener('abort', end)
  end()
  // Notifications are lost until the next connection listens. Remove the copies now, because ending a connection may be
  // slow.
  if (!signal.aborted) await feed.flush()
  if (client !== undefined) await endListening(client, hasConnected)
  return hasListened
}

async function applyPayload(feed: ChangeFeed, payload: string | undefined): Promise<void> {
  try {
    const { changed, isGap } = JSON.parse(payload ?? '') as Partial<Changes>
    await (isGap || changed === undefined ? feed.flush() : feed.apply(changed))
  } catch {
    // Only the triggers should send on this channel. An unreadable message may mean any change.
    await feed.flush()
  }
}
