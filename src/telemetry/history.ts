/** Records a history of events in the cache's own database: small, bounded, without keys. The admin pages plot it. */

import type { DatabaseSource } from '../postgres/database.ts'
import { createRunner } from '../postgres/runner.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import type { CacheTables } from '../schema/index.ts'
import { wallClock } from '../values/clock.ts'
import { DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type EventListener, utf8Bytes } from '../values/events.ts'
import { type Expiration, parsePeriod } from '../values/expiration.ts'
import { optionalFunction, optionsObject } from '../values/options.ts'
import { ignoreRejection } from '../values/promises.ts'
import { withDeadline } from '../values/with-deadline.ts'
import { addHistory } from './add-history.ts'
import { addEvent, emptyTally, type Tally } from './tally.ts'

/** Options of {@link historyListener}. */
export interface HistoryOptions {
  /** The name that distinguishes caches in one database; at most 85 bytes, default `pgstash`. */
  name?: string | undefined
  /** The shortest interval between two writes of an isolate or process; a positive span, default 1 minute. */
  every?: Expiration | undefined
  /**
   * How long buckets are kept; a positive span, default 7 days. If listeners of a database differ, the shortest span
   * wins.
   */
  keep?: Expiration | undefined
  /** From `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
  /**
   * Keeps the write alive after the response. On Workers, pass `waitUntil` of `cloudflare:workers`; on Vercel,
   * `waitUntil` of `@vercel/functions`. Default: none, which suits a process that stays alive.
   */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /** Called if a write fails. The counts of that write are lost. Default: failures are ignored. */
  onError?: ((error: unknown) => void) | undefined
}

/** A listener for `onEvent` that can also write at once. */
export type HistoryListener = EventListener & {
  /**
   * Writes the counts since the last write; never rejects. Call it before a process ends, because the counts would be
   * lost.
   */
  flush(): Promise<void>
}

const KNOWN_OPTIONS = ['name', 'every', 'keep', 'tables', 'waitUntil', 'onError'] as const
const DEFAULT_NAME = 'pgstash'
const MAX_NAME_BYTES = 85
const DEFAULT_EVERY = '1m'
const DEFAULT_KEEP = '7d'

/**
 * Creates a listener for `onEvent` that records a history in `cache_history`, never keys or values.
 *
 * It adds up events in memory. If an event comes a minute or more after the last write, it starts the next write. A
 * write is one statement in the background, to one row per five minutes. No operation waits for the write or fails
 * because of it. When an isolate ends, its counts since the last write are lost. So a history shows shares and trends,
 * not exact sums.
 *
 * The listener makes no request without an event. `migrate` creates the table.
 *
 * @param db the database of the cache, in any form that `createCache` takes
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * const onEvent = historyListener(db, { name: 'shop', waitUntil })
 * const cache = createCache(db, { onEvent })
 */
export function historyListener(db: DatabaseSource, options?: HistoryOptions): HistoryListener {
  const { name, everyMs, keepMs, tables, waitUntil, onError } = parse(options)
  const runner = createRunner(db, { tables, timeoutMs: DEFAULT_TIMEOUT_MS, preparedNames: true })
  let tally: Tally | undefined
  let writtenAt: number | undefined
  let underWay: Promise<void> | undefined

  async function write(): Promise<void> {
    const counted = tally
    tally = undefined
    // Set this before the write ends. Otherwise events meanwhile would write again, or wait for a request that may be
    // cancelled.
    writtenAt = wallClock()
    if (counted === undefined) return
    try {
      await runner.run(addHistory, { name, keepMs, ...counted })
    } catch (error) {
      try {
        ignoreRejection(onError?.(error))
      } catch {
        // A failing `onError` must not cause another failure.
      }
    }
  }

  async function flush(): Promise<void> {
    // Wait for the write that an event started, but not forever, because a cancelled request never ends.
    const before = underWay
    await Promise.all([write(), before && withDeadline(DEFAULT_TIMEOUT_MS, before)])
  }

  const listener: EventListener = (event) => {
    tally ??= emptyTally()
    addEvent(tally, event)
    writtenAt ??= wallClock()
    const sinceMs = wallClock() - writtenAt
    // A negative span means that the clock was set back. Write then, too.
    if (sinceMs >= 0 && sinceMs < everyMs) return
    underWay = write()
    try {
      waitUntil?.(underWay)
    } catch {
      // The `waitUntil` of a request that has ended throws. The write may succeed all the same.
    }
  }
  return Object.assign(listener, { flush })
}

function parse(options: HistoryOptions | undefined) {
  const {
    name = DEFAULT_NAME,
    every = DEFAULT_EVERY,
    keep = DEFAULT_KEEP,
    tables,
    waitUntil,
    onError,
  } = optionsObject<HistoryOptions>(options, KNOWN_OPTIONS)
  optionalFunction('waitUntil', waitUntil)
  optionalFunction('onError', onError)
  return {
    name: checkedName(name),
    everyMs: parsePeriod(every, 'every', wallClock()),
    keepMs: parsePeriod(keep, 'keep', wallClock()),
    tables: checkedTables(tables),
    waitUntil,
    onError,
  }
}

function checkedName(name: unknown): string {
  const isText = typeof name === 'string' && name !== '' && !name.includes('\0') && name.isWellFormed()
  if (isText && utf8Bytes(name) <= MAX_NAME_BYTES) return name
  const received = typeof name === 'string' ? 'another string' : describeType(name)
  throw new InvalidOptionError(`Expected name to be a string of 1 to ${MAX_NAME_BYTES} bytes, got ${received}.`)
}
