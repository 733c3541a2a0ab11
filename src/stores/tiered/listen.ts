/** `listen`: removes copies as soon as other processes write, by LISTEN and NOTIFY over a lasting connection. */

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
  endListening,
  type ListeningClient,
  type ListeningRules,
  pause,
  sendHeartbeats,
  startListening,
} from './listening-client.ts'
import type { TieredStore } from './tiered-store.ts'

export interface ListenOptions {
  /** Returns a new client that is not connected yet. Called at the beginning, and again after each lost connection. */
  connect: () => ListeningClient
  /** The name that `migrate(db, { notify })` was given. */
  channel: string
  /** Called for lost connections and failed attempts. Another attempt follows each of them. */
  onError?: ((error: unknown) => void) | undefined
  /**
   * The pause between two heartbeats, cheap queries that prove the connection alive. Default 10 s; a plain number is
   * milliseconds. A dead connection goes unnoticed for at most this time plus `timeout`. `false` sends none.
   */
  heartbeat?: TimeSpan | false | undefined
  /** The longest wait for the server: to connect, to listen, and for each heartbeat. Default 5 s; a plain number is milliseconds. */
  timeout?: TimeSpan | undefined
}

export interface Listening {
  /** Resolves when the first connection listens, or when it is closed before that. */
  readonly ready: Promise<void>
  /** Ends the connection, and opens no other. */
  close(): Promise<void>
}

/** The pause before another attempt. It doubles up to the longest pause, as long as no attempt succeeds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000

const HEARTBEAT_MS = 10_000
const TIMEOUT_MS = 5_000

/**
 * Keeps the first tier of a `tieredCache` fresh by LISTEN and NOTIFY.
 *
 * A write by anybody removes the copy as soon as the notification arrives, without a read. It is for processes and Durable
 * Objects that can keep a connection. `migrate(db, { notify: channel })` installs the triggers that notify.
 *
 * Notifications during a gap in the connection are lost, so all copies are removed before it, after each attempt to connect, and
 * after it. Heartbeats find connections that died silently. No timer keeps the process alive, but the connection does until `close`.
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
  const tell = (error: unknown) => {
    try {
      ignoreRejection(onError?.(error))
    } catch {
      // A failure of the caller's function must not end the listening.
    }
  }
  const closing = new AbortController()
  let isReady: () => void = () => {}
  const ready = new Promise<void>((resolve) => {
    isReady = resolve
  })
  const work = keepListening({ connect, rules, feed, tell, onReady: isReady, signal: closing.signal })
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
  readonly tell: (error: unknown) => void
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
async function listenOnce({ connect, rules, feed, tell, onReady, signal }: Listener): Promise<boolean> {
  const ending = new AbortController()
  const end = () => ending.abort()
  const ended = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve())
  })
  signal.addEventListener('abort', end)
  let client: ListeningClient | undefined
  let hasListened = false
  async function listenWith(opened: ListeningClient): Promise<void> {
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
      tell(error)
      end()
    })
    client.on('end', end)
    client.on('notification', ({ payload }) => void applyPayload(feed, payload))
    // `close` does not wait for a host that never answers.
    await Promise.race([listenWith(client), ended])
  } catch (error) {
    tell(error)
  }
  // Otherwise each lost connection would leave a listener behind.
  signal.removeEventListener('abort', end)
  end()
  // Notifications are lost until the next connection listens. At once, because the end of a connection may take its time.
  if (!signal.aborted) await feed.flush()
  if (client !== undefined) await endListening(client)
  return hasListened
}

async function applyPayload(feed: ChangeFeed, payload: string | undefined): Promise<void> {
  try {
    const { changed, isGap } = JSON.parse(payload ?? '') as Partial<Changes>
    await (isGap || changed === undefined ? feed.flush() : feed.apply(changed))
  } catch {
    // Nobody else should send on this channel. A message that cannot be read may have meant anything.
    await feed.flush()
  }
}
