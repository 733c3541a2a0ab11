/** `tieredCache`: a near cache in front of the one that all share. */

import { ENGINE } from '../../cache/engine.ts'
import { exactCache, exactEntry } from '../../cache/exact-arguments.ts'
import { parsePairs } from '../../cache/inputs.ts'
import { type Inside, internals, internalsOf } from '../../cache/internals.ts'
import type { Cache, CacheEntry, ClearExpiredOptions, WriteOptions } from '../../cache.ts'
import { now } from '../../values/clock.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { type Expiration, parsePeriod } from '../../values/expiration.ts'
import { nestedScope, ROOT, type Scope, storedKey } from '../../values/key.ts'
import { boolean, optionsObject } from '../../values/options.ts'
import { checkedCache } from '../delegate.ts'
import type { NearCache } from '../platform/platform-cache.ts'
import type { Context, Shared } from './context.ts'
import { createFeed, FEED, type Feed } from './feed.ts'
import { createFence } from './fence.ts'
import { reading } from './reading.ts'
import { createUndue } from './undue.ts'
import { writing } from './writing.ts'

export interface TieredCacheOptions {
  /**
   * The near one: `memoryCache()`, or `platformCache()`. Of this tiered cache alone: nothing else may write to it. Give it
   * the codec of `l2` where that keeps more than JSON does.
   */
  l1: NearCache
  /** The one that all share: `createCache(db)`. */
  l2: Cache
  /**
   * Whether each read of `l2` also brings what others changed since the last one, so that its copies go; default false. The
   * log that this needs `migrate(db, { changes: true })` keeps.
   */
  changes?: boolean | undefined
  /** How long a copy is kept at most, and so how old it can be where others write: a positive span, default 10 s. */
  l1Expiration?: Expiration | undefined
}

const DEFAULT_COPY_MS = 10_000
/** What other entry points work with is the second tier's: responses and query results have no copies. */
const PASSED_ON = [ENGINE] as const

/**
 * Two stores as one: reads are answered from `l1` where it has a copy, else from `l2`, of which a copy is kept for
 * `l1Expiration` at most, and never beyond what remains of the entry's life.
 *
 * Writes, deletes, invalidations and `clear` go to both, `l2` first, so what this process writes it reads; what others write
 * may be seen later by `l1Expiration`. Everything that must be exact is asked of `l2`: counters, limits, `add`, `pull`,
 * `expiration`, lists and statistics. Sliding reads reach `l2` when the deadline there is due to move.
 *
 * A hit in `l1` is no round trip, one in `l2` is one; of `getMany` only what `l1` lacks is asked for, in one.
 *
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * const cache = tieredCache({ l1: memoryCache({ maxEntries: 1_000 }), l2: createCache(db), l1Expiration: '5s' })
 */
export function tieredCache(options: TieredCacheOptions): Cache {
  const known = ['l1', 'l2', 'l1Expiration', 'changes'] as const
  const { l1, l2, l1Expiration, changes = false } = optionsObject<TieredCacheOptions>(options, known)
  const near = checkedNear(l1)
  const far = checkedCache(l2, 'l2')
  const asksForNews = boolean('changes', changes)
  if (asksForNews && internalsOf(far).storedKey === undefined) {
    throw new InvalidOptionError("Expected l2 to be createCache's, which knows what was changed, got another store.")
  }
  const fence = createFence()
  const copyMs = l1Expiration === undefined ? DEFAULT_COPY_MS : parsePeriod(l1Expiration, 'l1Expiration', now())
  const undue = createUndue(near, copyMs)
  const shared: Shared = {
    l1: near,
    undue,
    copyMs,
    fence,
    feed: createFeed(near, fence, undue),
    asksForNews,
    hasTags: internalsOf(far).hidesTags !== true,
  }
  return scopedCache(shared, far, ROOT)
}

const NEAR = [
  'get',
  'getMany',
  'has',
  'set',
  'setMany',
  'deleteMany',
  'clear',
  'invalidate',
  'clearExpired',
  'namespace',
] as const satisfies readonly (keyof NearCache)[]

function checkedNear(cache: NearCache | undefined): NearCache {
  if (cache !== undefined && NEAR.every((name) => typeof Object(cache)[name] === 'function')) return cache
  throw new InvalidOptionError(`Expected l1 to be a cache, got ${describeType(cache)}.`)
}

function contextOf(shared: Shared, l2: Cache, scope: Scope): Context {
  const inside = internalsOf(l2)
  return {
    ...shared,
    l2,
    inside,
    nameOf: inside.storedKey ?? ((key) => storedKey(scope, key)),
  }
}

function scopedCache(shared: Shared, l2: Cache, scope: Scope): Cache & Inside & { readonly [FEED]: Feed } {
  const context = contextOf(shared, l2, scope)
  const { inside } = context
  const { through, setThrough, ...written } = writing(context)
  return exactCache({
    ...reading(context),
    ...written,
    ...Object.fromEntries(PASSED_ON.flatMap((symbol) => (symbol in l2 ? [[symbol, Reflect.get(l2, symbol)]] : []))),
    count: () => l2.count(),
    expiration: (key) => l2.expiration(key),
    snapshot: () => l2.snapshot(),
    stats: () => l2.stats(),
    list: (asked) => l2.list(asked),
    async clearExpired(asked?: ClearExpiredOptions) {
      const result = await l2.clearExpired(asked)
      await shared.l1.clearExpired().catch(() => {})
      return result
    },
    entry: <T>(key: string) => handle(l2.entry<T>(key), key, { setThrough, delete: written.delete }),
    namespace: (name, asked) => scopedCache(shared, l2.namespace(name, asked), nestedScope(scope, name, asked)),
    [FEED]: shared.feed,
    [internals]: {
      ...inside,
      async prepareMany(entries, asked) {
        const pairs = parsePairs(entries)
        const store = await inside.prepareMany(pairs, asked)
        return () =>
          through(
            pairs.map(([key]) => key),
            store,
          )
      },
      refresh: (key, compute, asked) => through([key], () => inside.refresh(key, compute, asked)),
    },
  })
}

/** Handles read the second tier once, and remember: a copy would save nothing. */
function handle<T>(
  far: CacheEntry<T>,
  key: string,
  { setThrough, delete: remove }: Pick<ReturnType<typeof writing>, 'setThrough' | 'delete'>,
): CacheEntry<T> {
  return exactEntry({
    ...far,
    set: async (value, options?: WriteOptions) =>
      setThrough(key, value, options, (given) => far.set(value, given)).finally(far.reload),
    delete: () => remove(key).finally(far.reload),
  })
}
