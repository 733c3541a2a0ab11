/** Events as a history in the cache's own database: small, bounded, without keys. The admin pages plot it. */

import { checkDatabaseSource, type DatabaseSource } from '../postgres/database.ts'
import { createRunner } from '../postgres/runner.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { type CacheTables, defaultTables } from '../schema/index.ts'
import { wallClock } from '../values/clock.ts'
import { DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type EventListener, utf8Bytes } from '../values/events.ts'
import { type Expiration, parsePeriod } from '../values/expiration.ts'
import { optionalFunction, optionsObject } from '../values/options.ts'
import { within } from '../values/within.ts'
import { addHistory } from './add-history.ts'
import { addEvent, emptyTally, type Tally } from './tally.ts'

export interface HistoryOptions {
  /** Tells several caches in one database apart; at most 85 bytes, default `pgstash`. */
  name?: string | undefined
  /** How often an isolate or process writes, at most; a positive span, default 1 minute. */
  every?: Expiration | undefined
  /** How long buckets are kept; a positive span, default 7 days. Of several listeners on one database the shortest counts. */
  keep?: Expiration | undefined
  /** From `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
  /** Keeps the write alive after the response: on Workers `waitUntil` of `cloudflare:workers`, on Vercel that of `@vercel/functions`. */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /** Told of writes that failed; their numbers are lost. Default: nobody is. */
  onError?: ((error: unknown) => void) | undefined
}

/** A listener for `onEvent`, which can also be asked to write at once. */
export type HistoryListener = EventListener & {
  /** Writes what was counted since the last write; never rejects. For the end of a process, which would lose it. */
  flush(): Promise<void>
}

const KNOWN_OPTIONS = ['name', 'every', 'keep', 'tables', 'waitUntil', 'onError'] as const
const DEFAULT_NAME = 'pgstash'
const MAX_NAME_BYTES = 85
const DEFAULT_EVERY = '1m'
const DEFAULT_KEEP = '7d'

/**
 * A listener for `onEvent` that records a history in `cache_history`; never keys or values.
 *
 * It adds up in memory, and an event that comes a minute or more after the last write makes the next: one statement, in the
 * background, to a row for each five minutes. No operation waits for it or fails by it. What an isolate counted since its last
 * write ends with it, so that a history tells shares and shapes rather than exact sums.
 *
 * Makes no request by itself. `migrate` makes the table.
 *
 * @param db the database that the cache is in, or a function that makes it
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * const onEvent = historyListener(db, { name: 'shop', waitUntil })
 * const cache = createCache(db, { onEvent })
 */
export function historyListener(db: DatabaseSource, options?: HistoryOptions): HistoryListener {
  checkDatabaseSource(db)
  const { name, everyMs, keepMs, tables, waitUntil, onError } = parse(options)
  const runner = createRunner(db, { tables, timeoutMs: DEFAULT_TIMEOUT_MS, preparedNames: true })
  let tally: Tally | undefined
  let writtenAt: number | undefined
  let underWay: Promise<void> | undefined

  async function write(): Promise<void> {
    const counted = tally
    tally = undefined
    // Before it has come: who comes meanwhile must not write as well, nor wait for a request that may be cancelled.
    writtenAt = wallClock()
    if (counted === undefined) return
    try {
      await runner.run(addHistory, { name, keepMs, ...counted })
    } catch (error) {
      try {
        onError?.(error)
      } catch {
        // What tells of failures must not make one.
      }
    }
  }

  async function flush(): Promise<void> {
    // What an event began may still be under way; a request that was cancelled never ends.
    const before = underWay
    await Promise.all([write(), before && within(DEFAULT_TIMEOUT_MS, before)])
  }

  const listener: EventListener = (event) => {
    tally ??= emptyTally()
    addEvent(tally, event)
    writtenAt ??= wallClock()
    const sinceMs = wallClock() - writtenAt
    // Less than none: the clock was set back.
    if (sinceMs >= 0 && sinceMs < everyMs) return
    underWay = write()
    try {
      waitUntil?.(underWay)
    } catch {
      // That of a request which has ended keeps nothing alive; the write may come through all the same.
    }
  }
  return Object.assign(listener, { flush })
}

function parse(options: HistoryOptions | undefined) {
  const {
    name = DEFAULT_NAME,
    every = DEFAULT_EVERY,
    keep = DEFAULT_KEEP,
    tables = defaultTables,
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
  const came = typeof name === 'string' ? 'another string' : describeType(name)
  throw new InvalidOptionError(`Expected name to be a string of 1 to ${MAX_NAME_BYTES} bytes, got ${came}.`)
}
