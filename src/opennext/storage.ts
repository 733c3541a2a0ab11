/** The cache that the three overrides share, with its reads and writes. */
import { cacheOn } from '../cache/build-cache.ts'
import { createCircuit, withCircuit } from '../cache/circuit.ts'
import { asSnapshot } from '../cache/inputs.ts'
import { outcome, perform, replyWith } from '../cache/perform.ts'
import type { Cache, CacheSnapshot } from '../cache.ts'
import { deadlineValues } from '../postgres/operations/fragments.ts'
import { type EventRow, readTagEvents } from '../postgres/operations/read-tag-events.ts'
import { writeTagEvents } from '../postgres/operations/write-tag-events.ts'
import { type PostgresEngine, postgresEngineOf, postgresStore } from '../postgres/postgres-store.ts'
import { decodeRow } from '../store/decode-row.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { storedKey } from '../values/key.ts'
import { buildName } from './names.ts'
import { environmentVariable } from './runtime.ts'
import { EVENT_PREFIXES, stateOf, type TagState } from './tag-events.ts'

const NAMESPACE = 'opennext'
const NO_BUILD_ID = 'no-build-id'
/**
 * An entry lives for at most a year, and a fill takes less than a day. So an event outlives all entries that are older.
 */
export const MAX_ENTRY_DAYS = 365
const EVENT_LIFE_MS = (MAX_ENTRY_DAYS + 1) * 24 * 60 * 60 * 1_000

export interface Found {
  /** Undefined if no entry is live. */
  readonly value: unknown
  /** When the entry was written, in milliseconds since 1970 by the database's clock. */
  readonly writtenAt: number
  /** When this statement began, by the same clock. */
  readonly readAt: number
  /** The snapshot of this read. Undefined on a standby, because a standby cannot take one. */
  readonly snapshot: CacheSnapshot | undefined
  /** The states of the entry's own tags, and of the requested tags. */
  readonly tags: ReadonlyMap<string, TagState>
}

export interface Storage {
  /** The cache for plain operations. It has no first tier, and every failure rejects. */
  readonly entries: Cache
  /** Costs one round trip. `key` is undefined if only tags are requested. */
  read(key: string | undefined, tags: readonly string[]): Promise<Found>
  /** Costs one round trip. Each key is the prefix of an event followed by a tag. */
  writeEvents(fractions: ReadonlyMap<string, string>): Promise<void>
  /** Skips work while the database does not answer. @throws CircuitOpenError, and the errors of the work */
  guard<T>(work: () => Promise<T>): Promise<T>
  /** Reports a failure that no statement reported. */
  report(operation: string, error: unknown): void
}

/** The storages by the caller's function, so that the three overrides share one storage. */
const storages = new WeakMap<() => Cache, Storage>()

/** Checks the function now, and calls it when the first request needs the cache. @throws InvalidOptionError */
export function storageOf(makeCache: () => Cache): () => Storage {
  if (typeof makeCache !== 'function') {
    throw new InvalidOptionError(`Expected a function that returns a cache, got ${describeType(makeCache)}.`)
  }
  return () => {
    let storage = storages.get(makeCache)
    if (storage === undefined) {
      storage = createStorage(makeCache())
      storages.set(makeCache, storage)
    }
    return storage
  }
}

function createStorage(cache: Cache): Storage {
  const given = requireEngine(cache)
  const { runner, tables } = given.store
  // Create a separate cache on the same connection, for three reasons. A first tier would not see revalidations. A
  // failure must not look like a tag that was never revalidated. Next must not treat its requests as requests of the
  // page.
  const store = postgresStore({ ...runner, run: runner.runInternal }, tables, undefined)
  const own = cacheOn({ ...given, store, failsSoft: false })
  const version = buildName(environmentVariable('OPEN_NEXT_BUILD_ID') ?? NO_BUILD_ID)
  const entries = own.namespace(NAMESPACE, { version })
  const engine = requireEngine(entries)
  const { scope, emit } = engine
  const circuit = createCircuit()
  const guard = <T>(work: () => Promise<T>) => withCircuit(circuit, work)
  const prefixes = EVENT_PREFIXES.map((prefix) => scope.prefix + prefix)

  return {
    entries,
    guard,
    read: (key, tags) => guard(() => readEntry(engine, prefixes, key, tags)),
    writeEvents: async (fractions) => {
      const values = {
        keys: Array.from(fractions.keys(), (key) => scope.prefix + key),
        fractions: [...fractions.values()],
        ...deadlineValues({ kind: 'after', ms: EVENT_LIFE_MS }),
      }
      await perform(engine, {
        name: 'invalidate',
        run: () => store.session((run) => run(writeTagEvents, values)),
        report: () => outcome('invalidate', fractions.size),
      })
    },
    report: (operation, error) => emit?.({ type: 'error', operation, error, durationMs: 0, ...noCost() }),
  }
}

async function readEntry(
  engine: PostgresEngine,
  prefixes: readonly string[],
  key: string | undefined,
  tags: readonly string[],
): Promise<Found> {
  const { store, scope, codec } = engine
  const stored = key === undefined ? undefined : storedKey(scope, key)
  return perform<Found>(engine, {
    name: stored === undefined ? 'getMany' : 'get',
    key,
    stored,
    async run() {
      const reply = await store.session((run) => run(readTagEvents, { key: stored, prefixes, tags }))
      const [row] = reply.value
      if (row === undefined) throw new TypeError('Expected one row.')
      const { readAt, events } = row
      const names = new Set([...tags, ...(row.tags ?? [])])
      return replyWith(reply, {
        value: row.isFound && stored !== undefined ? await decodeRow(row, stored, codec) : undefined,
        writtenAt: row.writtenAt ?? 0,
        readAt,
        snapshot: row.snapshot === null ? undefined : asSnapshot(row.snapshot),
        tags: statesOf(names, events, prefixes, readAt),
      })
    },
    // A read of tags alone is neither a hit nor a miss.
    report: ({ value }) => (stored === undefined ? [] : outcome(value === undefined ? 'miss' : 'hit')),
  })
}

/** @throws InvalidOptionError */
function requireEngine(cache: Cache): PostgresEngine {
  const engine = postgresEngineOf(cache)
  if (engine !== undefined) return engine
  throw new InvalidOptionError(`Expected a cache from createCache, got ${describeType(cache)}.`)
}

/** Returns the states of tags. A tag without an event has a state too: it was never revalidated. */
function statesOf(
  names: ReadonlySet<string>,
  events: readonly EventRow[],
  prefixes: readonly string[],
  readAt: number,
): Map<string, TagState> {
  const numbers = new Map(events)
  return new Map(
    Array.from(names, (name) => {
      const own = new Map<string, string>()
      for (const [i, prefix] of EVENT_PREFIXES.entries()) {
        const number = numbers.get(`${prefixes[i]}${name}`)
        if (number !== undefined) own.set(prefix, number)
      }
      return [name, stateOf(own, readAt)]
    }),
  )
}
