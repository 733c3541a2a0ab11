/**
 * Counts what a cache's methods answer, and changes none of it.
 *
 * What counts follows JSR 107 (Java's caches): a call that asks for a value is a hit or a miss, one that asks only about an
 * entry (`containsKey` there; here `has`, `expiration`) is neither.
 */

import type { Cache, CacheEntry, Fill, GetOrSetOptions } from '../cache.ts'
import type { Answer } from '../fill/calls.ts'
import type { CacheEvent } from '../values/events.ts'
import { storedKey as toStoredKey } from '../values/key.ts'
import { ENGINE, engineOf, type ScopedEngine } from './engine.ts'
import { exactCache, exactEntry } from './exact-arguments.ts'
import { type Inside, internals, internalsOf } from './internals.ts'

export interface Counts {
  hits: number
  misses: number
  errors: number
}

interface GetOptions {
  readonly fallback: unknown
}

/** In the place of the caller's fallback, which may be equal to a stored value. */
const ABSENT = Symbol('absent')

export function metered(cache: Cache, counts: Counts): Cache & Inside {
  const counted = countErrors(counts)
  const { prepareMany, refresh, rows, copies, getOrSetKeeping, defaultExpiration, storedKey, hidesTags, timeoutMs } =
    internalsOf(cache)
  return exactCache({
    // What other parts of this package find a cache's insides by.
    ...Object.fromEntries(Object.getOwnPropertySymbols(cache).map((symbol) => [symbol, Reflect.get(cache, symbol)])),
    ...countingResponses(cache, counts),
    get: ((key: string, options?: GetOptions) => counted(() => get(cache, counts, key, options))) as Cache['get'],
    getMany: ((keys: Iterable<string>) => counted(() => getMany(cache, counts, keys))) as Cache['getMany'],
    has: (...args) => counted(() => cache.has(...args)),
    set: (...args) => counted(() => cache.set(...args)),
    setMany: (...args: Parameters<Cache['setMany']>) => counted(() => cache.setMany(...args)),
    add: (...args) => counted(() => cache.add(...args)),
    getOrSet: ((key: string, compute: unknown, options?: GetOrSetOptions) =>
      getOrSet(counts, compute, options, (watched) => answerOf(cache, key, watched, options))) as Cache['getOrSet'],
    touch: (...args) => counted(() => cache.touch(...args)),
    increment: (...args) => counted(() => cache.increment(...args)),
    decrement: (...args) => counted(() => cache.decrement(...args)),
    limit: (...args) => counted(() => cache.limit(...args)),
    pull: <T>(key: string) => counted(() => pull<T>(cache, counts, key)),
    delete: (...args) => counted(() => cache.delete(...args)),
    deleteMany: (...args) => counted(() => cache.deleteMany(...args)),
    clear: () => counted(() => cache.clear()),
    count: () => counted(() => cache.count()),
    expiration: (...args) => counted(() => cache.expiration(...args)),
    invalidate: (...args) => counted(() => cache.invalidate(...args)),
    snapshot: () => counted(() => cache.snapshot()),
    clearExpired: (...args) => counted(() => cache.clearExpired(...args)),
    stats: () => counted(() => cache.stats()),
    list: (...args) => counted(() => cache.list(...args)),
    namespace: (...args) => metered(cache.namespace(...args), counts),
    entry: <T>(key: string) => handle(cache.entry<T>(key), counts),
    [internals]: {
      prepareMany: async (...args) => {
        const write = await counted(() => prepareMany(...args))
        return () => counted(write)
      },
      rows: (...args) => counted(() => rows(...args)),
      defaultExpiration,
      storedKey,
      hidesTags,
      timeoutMs,
      async copies(keys, options) {
        const found = await counted(() => copies(keys, options))
        counts.hits += found.size
        counts.misses += keys.length - found.size
        return found
      },
      getOrSetKeeping: (key, compute, options, keep, news) =>
        getOrSet(counts, compute, options, async (watched) => ({
          value: await getOrSetKeeping(key, watched, options, keep, news),
        })),
      // Never a hit.
      refresh: (key, compute, options) =>
        getOrSet(counts, compute, options, async (watched) => ({
          value: await refresh(key, watched, options),
          isOwn: true,
        })),
    },
  })
}

/** `responseCache` keeps responses past the methods: what it tells of them is counted. */
function countingResponses(cache: Cache, counts: Counts): { [ENGINE]?: ScopedEngine } {
  const engine = engineOf(cache)
  if (engine === undefined) return {}
  return {
    [ENGINE]: {
      ...engine,
      emit(event, name) {
        if (event.operation === 'responseCache') countEvent(event.type, counts)
        engine.emit?.(event, name)
      },
    },
  }
}

function countEvent(type: CacheEvent['type'], counts: Counts): void {
  if (type === 'hit' || type === 'stale') counts.hits++
  else if (type === 'miss') counts.misses++
  else if (type === 'error') counts.errors++
}

function countErrors(counts: Counts) {
  return async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      counts.errors++
      throw error
    }
  }
}

async function get(cache: Cache, counts: Counts, key: string, options?: GetOptions): Promise<unknown> {
  // What is no options object must reach the cache as it is, to be refused there.
  const areOptions =
    options === undefined || (typeof options === 'object' && options !== null && !Array.isArray(options))
  if (!areOptions) return cache.get(key, options)
  const found = await cache.get<unknown, typeof ABSENT>(key, { ...options, fallback: ABSENT })
  if (found === ABSENT) {
    counts.misses++
    return options?.fallback
  }
  counts.hits++
  return found
}

async function getMany(cache: Cache, counts: Counts, keys: Iterable<string>): Promise<Map<string, unknown>> {
  // Read once: a generator has nothing the second time. A string is iterable too, and the cache refuses it.
  const asked = typeof keys === 'object' && keys !== null && Symbol.iterator in keys ? [...keys] : keys
  const found = await cache.getMany(asked)
  counts.hits += found.size
  counts.misses += new Set(asked).size - found.size
  return found
}

async function pull<T>(cache: Cache, counts: Counts, key: string): Promise<T | undefined> {
  const found = await cache.pull<T>(key)
  if (found === undefined) counts.misses++
  else counts.hits++
  return found
}

type Compute = (fill: Fill) => Promise<unknown>

/** A third party's cache does not say whether the value is the call's own. */
type Answered = Pick<Answer, 'value'> & Partial<Answer>

async function answerOf(cache: Cache, key: string, compute: Compute, options?: GetOrSetOptions): Promise<Answered> {
  const engine = engineOf(cache)
  if (engine === undefined || engine.getOrSet !== cache.getOrSet)
    return { value: await cache.getOrSet(key, compute, options) }
  return engine.filler.getOrSet(key, toStoredKey(engine.scope, key), compute, options)
}

async function getOrSet(
  counts: Counts,
  compute: unknown,
  options: GetOrSetOptions | undefined,
  ask: (watched: Compute) => Promise<Answered>,
) {
  const own: { value?: unknown; error?: unknown; state: 'none' | 'computed' | 'failed' } = { state: 'none' }
  const watched = async (fill: Fill): Promise<unknown> => {
    try {
      own.value = await (typeof compute === 'function' ? compute(fill) : compute)
      own.state = 'computed'
      return own.value
    } catch (error) {
      own.error = error
      own.state = 'failed'
      throw error
    }
  }
  try {
    const { value, isOwn = Object.is(value, own.value) } = await ask(watched)
    // Only with these options can a call compute in the background, and yet get the old value.
    const canBeOld = options?.stale !== undefined || options?.beta !== undefined
    if (own.state === 'computed' && (!canBeOld || isOwn)) counts.misses++
    else counts.hits++
    return value
  } catch (error) {
    const { signal } = Object(options)
    const hasLeft = signal?.aborted === true && error === signal.reason
    if (own.state === 'failed' && error === own.error) counts.misses++
    else if (!hasLeft) counts.errors++
    throw error
  }
}

/** A handle counts once for each row that it reads: it remembers the row. */
function handle<T>(entry: CacheEntry<T>, counts: Counts): CacheEntry<T> {
  const counted = countErrors(counts)
  let isCounted = false
  async function count<R>(read: () => Promise<R>, isHit: (result: R) => boolean): Promise<R> {
    const result = await counted(read)
    if (!isCounted) {
      isCounted = true
      counts[isHit(result) ? 'hits' : 'misses']++
    }
    return result
  }
  /** The row is read anew after the call, whatever came of it. */
  async function forgetting<R>(call: () => Promise<R>): Promise<R> {
    try {
      return await counted(call)
    } finally {
      isCounted = false
    }
  }
  return exactEntry({
    exists: () =>
      count(
        () => entry.exists(),
        (exists) => exists,
      ),
    value: () =>
      count(
        () => entry.value(),
        (value) => value !== undefined,
      ),
    set: (...args) => forgetting(() => entry.set(...args)),
    delete: () => forgetting(() => entry.delete()),
    reload() {
      isCounted = false
      entry.reload()
    },
  })
}
