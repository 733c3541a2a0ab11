/**
 * Counts the answers of a cache's methods, without changing them.
 *
 * The counts follow JSR 107 (Java's caches). A call that asks for a value is a hit or a miss. A call that asks only
 * about an entry (`containsKey` there, `has` and `expiration` here) is neither.
 */

import type { Cache, CacheEntry, Fill, GetOrSetOptions } from '../cache.ts'
import type { Answer } from '../fill/calls.ts'
import type { FillEngine } from '../fill/get-or-set.ts'
import type { CacheEvent } from '../values/events.ts'
import { storedKey } from '../values/key.ts'
import { ignoreRejection } from '../values/promises.ts'
import { METHODS } from './checked-cache.ts'
import { ENGINE, engineOf, type OperationEngine, type ScopedEngine } from './engine.ts'
import { exactCache, exactEntry } from './exact-arguments.ts'
import { type Counts, countError, meteredStore } from './metered-store.ts'

interface GetOptions {
  readonly fallback: unknown
}

type Method = (...args: unknown[]) => unknown

/** Stands for a missing value, because the caller's fallback may be equal to a stored one. */
const ABSENT = Symbol('absent')

export function countAnswers(cache: Cache, counts: Counts): Cache {
  const plain = METHODS.map((name) => {
    const call = (...args: unknown[]) => (cache[name] as Method)(...args)
    return [name, (...args: unknown[]) => countError(counts, async () => call(...args))]
  })
  const own: Cache = exactCache({
    ...(Object.fromEntries(plain) as Cache),
    get: ((key: string, options?: GetOptions) =>
      countError(counts, () => get(cache, counts, key, options))) as Cache['get'],
    getMany: ((keys: Iterable<string>) => countError(counts, () => getMany(cache, counts, keys))) as Cache['getMany'],
    getOrSet: ((key: string, compute: unknown, options?: GetOrSetOptions) =>
      getOrSet(cache, counts, key, compute, options)) as Cache['getOrSet'],
    pull: <T>(key: string) => countError(counts, () => pull<T>(cache, counts, key)),
    namespace: (...args) => countAnswers(cache.namespace(...args), counts),
    entry: <T>(key: string) => handle(cache.entry<T>(key), counts),
  })
  const engine = engineOf(cache)
  if (engine === undefined) return own
  return Object.assign(own, { [ENGINE]: { ...meteredEngine(engine, counts), getOrSet: own.getOrSet } })
}

/**
 * Returns the same engine, which counts uses that bypass the cache's methods. Tiers and shards read the store, and
 * stored responses emit events.
 */
function meteredEngine(engine: ScopedEngine, counts: Counts): OperationEngine {
  return {
    ...engine,
    store: meteredStore(engine.store, counts),
    filler: meteredFiller(engine.filler, counts),
    emit(event, ...keys) {
      if (event.operation === 'responseCache') countEvent(event.type, counts)
      engine.emit?.(event, ...keys)
    },
  }
}

function countEvent(type: CacheEvent['type'], counts: Counts): void {
  if (type === 'hit' || type === 'stale') counts.hits++
  else if (type === 'miss') counts.misses++
  else if (type === 'error') counts.errors++
}

async function get(cache: Cache, counts: Counts, key: string, options?: GetOptions): Promise<unknown> {
  // The cache must get an invalid argument unchanged, so that it refuses it.
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
  // Copy the keys, because a generator is empty the second time. A string is iterable too, but the cache must refuse
  // it.
  const list = typeof keys === 'object' && keys !== null && Symbol.iterator in keys ? [...keys] : keys
  const found = await cache.getMany(list)
  counts.hits += found.size
  counts.misses += new Set(list).size - found.size
  return found
}

async function pull<T>(cache: Cache, counts: Counts, key: string): Promise<T | undefined> {
  const found = await cache.pull<T>(key)
  if (found === undefined) counts.misses++
  else counts.hits++
  return found
}

type Compute = (fill: Fill) => unknown

/** Returns the same filler, with each answer counted. */
function meteredFiller({ detach, getOrSet, refresh }: FillEngine, counts: Counts): FillEngine {
  return {
    detach,
    getOrSet: (name, key, compute, options) =>
      countFill(counts, compute, options, (watched) => getOrSet(name, key, watched, options)),
    refresh: (name, key, compute, options) =>
      countFill(counts, compute, options, (watched) => refresh(name, key, watched, options)),
  }
}

async function getOrSet(cache: Cache, counts: Counts, key: string, compute: unknown, options?: GetOrSetOptions) {
  const engine = engineOf(cache)
  if (engine !== undefined && engine.getOrSet === cache.getOrSet) {
    const { filler, scope } = engine
    const answer = await countFill(counts, compute, options, async (watched) =>
      filler.getOrSet(key, storedKey(scope, key), watched, options),
    )
    return answer.value
  }
  const answer = await countFill(counts, compute, options, async (watched, own) => {
    const value = await cache.getOrSet(key, watched, options)
    // With these options, a call can get the old value while its own computation runs in the background.
    const canBeOld = options?.stale !== undefined || options?.beta !== undefined
    return { value, isOwn: own.state === 'computed' && (!canBeOld || Object.is(value, own.value)) }
  })
  return answer.value
}

/** The computation of one call. */
interface Computation {
  state: 'none' | 'computed' | 'failed'
  value?: unknown
  error?: unknown
}

/** Counts a call of `getOrSet` as a hit, a miss or an error. A failed computation is a miss. */
async function countFill(
  counts: Counts,
  compute: unknown,
  options: GetOrSetOptions | undefined,
  call: (watched: Compute, own: Computation) => Promise<Answer>,
): Promise<Answer> {
  const own: Computation = { state: 'none' }
  // The cache gets only the function below, so it does not handle a promise that was passed as the value.
  ignoreRejection(compute)
  const watched = async (fill: Fill): Promise<unknown> => {
    try {
      own.value = await (typeof compute === 'function' ? (compute as Compute)(fill) : compute)
      own.state = 'computed'
      return own.value
    } catch (error) {
      Object.assign(own, { state: 'failed', error } satisfies Computation)
      throw error
    }
  }
  try {
    const answer = await call(watched, own)
    counts[answer.isOwn ? 'misses' : 'hits']++
    return answer
  } catch (error) {
    const { signal } = Object(options)
    const hasLeft = signal?.aborted === true && error === signal.reason
    if (own.state === 'failed' && error === own.error) counts.misses++
    else if (!hasLeft) counts.errors++
    throw error
  }
}

/** Returns the same handle, which counts once for each row that it reads, because it remembers the row. */
function handle<T>(entry: CacheEntry<T>, counts: Counts): CacheEntry<T> {
  let isCounted = false
  async function count<R>(read: () => Promise<R>, isHit: (result: R) => boolean): Promise<R> {
    const result = await countError(counts, read)
    if (!isCounted) {
      isCounted = true
      counts[isHit(result) ? 'hits' : 'misses']++
    }
    return result
  }
  /** The handle reads its row again after the call, whether it succeeded or not. */
  async function countAgainAfter<R>(call: () => Promise<R>): Promise<R> {
    try {
      return await countError(counts, call)
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
    set: (...args) => countAgainAfter(() => entry.set(...args)),
    delete: () => countAgainAfter(() => entry.delete()),
    reload() {
      isCounted = false
      entry.reload()
    },
  })
}
