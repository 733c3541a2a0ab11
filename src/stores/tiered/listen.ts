/** `listen`: removes copies as soon as other processes write, by LISTEN and NOTIFY over a lasting connection. */

import { engineOf } from '../../cache/engine.ts'
import type { Cache } from '../../cache.ts'
import type { Changes } from '../../store/changes.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { optionalFunction, optionsObject } from '../../values/options.ts'
import { randomNumber } from '../../values/random.ts'
import { withDeadline } from '../../values/with-deadline.ts'
import type { ChangeFeed } from './change-feed.ts'
import type { TieredStore } from './tiered-store.ts'

/** A connection that can listen: `Client` of `pg`, or of `@neondatabase/serverless` over a WebSocket. */
export interface ListeningClient {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

export interface ListenOptions {
  /** Returns a new client that is not connected yet. Called at the beginning, and again after each lost connection. */
  connect: () => ListeningClient
  /** The name that `migrate(db, { notify })` was given. */
  channel: string
  /** Called for lost connections and failed attempts. Another attempt follows each of them. */
  onError?: ((error: unknown) => void) | undefined
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
/** The longest wait for the end of a connection, because an unreachable host never confirms it. */
const LONGEST_END_MS = 1_000

/**
 * Keeps the first tier of a `tieredCache` fresh by LISTEN and NOTIFY.
 *
 * A write by anybody removes the copy as soon as the notification arrives, without a read. It is for processes and Durable
 * Objects that can keep a connection. `migrate(db, { notify: channel })` installs the triggers that notify.
 *
 * Notifications during a gap in the connection are lost, so all copies are removed before and after it. It is off by default,
 * because Postgres lets transactions that notify commit only one after the other.
 *
 * @throws InvalidOptionError
 * @example
 * const cache = tieredCache({ l1: memoryCache(), l2: createCache(db), l1Expiration: '1h' })
 * const listening = listen(cache, { channel: 'cache', connect: () => new pg.Client(process.env.DATABASE_URL) })
 */
export function listen(cache: Cache, options: ListenOptions): Listening {
  const feed = (engineOf(cache)?.store as Partial<TieredStore> | undefined)?.feed
  if (feed === undefined) throw new InvalidOptionError(`Expected a cache of tieredCache, got ${describeType(cache)}.`)
  const { connect, channel, onError } = optionsObject<ListenOptions>(options, ['connect', 'channel', 'onError'])
  if (typeof connect !== 'function') {
    throw new InvalidOptionError(`Expected connect to be a function, got ${describeType(connect)}.`)
  }
  if (typeof channel !== 'string' || channel === '') {
    throw new InvalidOptionError(`Expected channel to be the name of a channel, got ${describeType(channel)}.`)
  }
  optionalFunction('onError', onError)
  const tell = (error: unknown) => {
    try {
      onError?.(error)
    } catch {
      // A failure of the caller's function must not end the listening.
    }
  }
  const closing = new AbortController()
  let isReady: () => void = () => {}
  const ready = new Promise<void>((resolve) => {
    isReady = resolve
  })
  const work = keepListening({ connect, channel, feed, tell, onReady: isReady, signal: closing.signal })
  return {
    ready,
    async close() {
      closing.abort()
      await work
      isReady()
    },
  }
}

interface Listener extends Required<Pick<ListenOptions, 'connect' | 'channel'>> {
  readonly feed: ChangeFeed
  readonly tell: (error: unknown) => void
  readonly onReady: () => void
  readonly signal: AbortSignal
}

async function keepListening(listener: Listener): Promise<void> {
  const { signal, tell, feed } = listener
  let failures = 0
  while (!signal.aborted) {
    const hasListened = await listenOnce(listener).catch((error: unknown) => {
      tell(error)
      return false
    })
    if (signal.aborted) return
    // Notifications are lost until the next connection listens. It flushes again then.
    await feed.flush()
    if (signal.aborted) return
    failures = hasListened ? 0 : failures + 1
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    await pause(pauseMs * (0.5 + randomNumber()), signal)
  }
}

/** Resolves after the time, or as soon as the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

/** Listens until the connection ends. True if it ever listened. */
async function listenOnce({ connect, channel, feed, tell, onReady, signal }: Listener): Promise<boolean> {
  const client = connect()
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  client.on('error', (error) => {
    tell(error)
    end()
  })
  client.on('end', end)
  signal.addEventListener('abort', end)
  client.on('notification', ({ payload }) => void applyPayload(feed, payload))
  let hasListened = false
  async function start(): Promise<void> {
    await client.connect()
    await client.query(`listen "${channel.replaceAll('"', '""')}"`)
    await feed.flush()
    hasListened = true
    onReady()
    await ended
  }
  try {
    // `close` does not wait for a host that never answers.
    await Promise.race([start(), ended])
    return hasListened
  } finally {
    // Otherwise each lost connection would leave a listener behind.
    signal.removeEventListener('abort', end)
    await withDeadline(
      LONGEST_END_MS,
      client.end().catch(() => {}),
    )
  }
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
