/**
 * What the stores of this package can do beyond the public interface, for those that are made of other stores.
 *
 * Under a symbol, so that a cache is still any object with the methods of `Cache`: what lacks it gets the nearest that
 * those methods can do.
 */

import type { Cache, Fill, GetOrSetOptions, WriteOptions } from '../cache.ts'
import type { Copy } from '../store/copies.ts'
import type { ListedRow } from '../store/inputs.ts'
import type { NewsReader } from '../store/news.ts'
import { wallClock } from '../values/clock.ts'
import type { Deadline } from '../values/expiration.ts'
import { byCodePoint, pathOf, ROOT } from '../values/key.ts'
import { parseList, type ReadRows } from './listing.ts'

/** In the place of a value that is not there. */
const ABSENT = Symbol('absent')

/** Of the registry, so that two copies of the package understand each other. */
export const internals: unique symbol = Symbol.for('pgstash.internals')

/** Checks and encodes what `setMany` is given; what it answers stores it. */
export type PrepareMany = (
  entries: Record<string, unknown> | Iterable<readonly [string, unknown]>,
  options?: WriteOptions,
) => Promise<() => Promise<void>>

/** Computes anew although an entry is live, and stores it as a fill; answers with the value. */
export type Refresh = (key: string, compute: (fill: Fill) => unknown, options?: GetOrSetOptions) => Promise<unknown>

export interface CopyOptions {
  /** Of one key: a read that slides. */
  readonly slidingMs?: number | undefined
  /** Told before the copies are given. */
  readonly news?: NewsReader | undefined
}

/** Live entries by key, as copies of them may be kept. */
export type ReadCopies = (keys: readonly string[], options?: CopyOptions) => Promise<ReadonlyMap<string, Copy>>

/** `getOrSet` that hands over a copy of what is stored, whoever stored it, before it answers. */
export type GetOrSetKeeping = (
  key: string,
  compute: unknown,
  options: GetOrSetOptions | undefined,
  keep: (copy: Copy) => Promise<void>,
  news?: NewsReader,
) => Promise<unknown>

export interface Internals {
  readonly copies: ReadCopies
  readonly getOrSetKeeping: GetOrSetKeeping
  /** What applies to writes of the key that name no expiration. */
  readonly defaultExpiration: (key: string) => Deadline
  /** The key as it is stored, which news name it by; undefined where there are no news. */
  readonly storedKey?: ((key: string) => string) | undefined
  /** How long one of its statements may take, where that is known. */
  readonly timeoutMs?: number | undefined
  /** True where copies do not tell their tags. */
  readonly hidesTags?: boolean | undefined
  readonly prepareMany: PrepareMany
  readonly refresh: Refresh
  readonly rows: ReadRows
}

/** A store with what it can do beyond the interface. */
export interface Inside {
  readonly [internals]: Internals
}

export function internalsOf(cache: Cache): Internals {
  const own = (cache as Partial<Inside>)[internals]
  if (own !== undefined) return own
  return {
    copies: asCopies(cache),
    hidesTags: true,
    getOrSetKeeping: (key, compute, options) => cache.getOrSet(key, compute as never, options),
    // Nobody knows: as if it were past, so that no copy is kept of such a write.
    defaultExpiration: () => ({ kind: 'after', ms: 0 }),
    prepareMany: async (entries, options) => () => cache.setMany(entries, options),
    refresh: asSet(cache),
    rows: fromPages(cache),
  }
}

/** One more round trip for each entry. Its tags are not known, and `invalidate` has to take that into account. */
function asCopies(cache: Cache): ReadCopies {
  return async (keys, { slidingMs } = {}) => {
    const [first = ''] = keys
    const found =
      slidingMs === undefined
        ? await cache.getMany(keys)
        : new Map([
            [
              first,
              await cache.get<unknown, typeof ABSENT>(first, {
                fallback: ABSENT,
                sliding: { milliseconds: slidingMs },
              }),
            ],
          ])
    const copies = Array.from(found, async ([key, value]) => {
      const expiresAt = value === ABSENT ? undefined : await cache.expiration(key)
      if (expiresAt === undefined) return undefined
      const remaining = expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt.getTime() - wallClock()
      return [key, { value: () => value, remainingMs: remaining, tags: null }] as const
    })
    return new Map((await Promise.all(copies)).filter((copy) => copy !== undefined))
  }
}

/** Rows from pages, each time from the first: where a page of a store from elsewhere ends, only its own cursors tell. */
function fromPages(cache: Cache): ReadRows {
  return async (options, after) => {
    const rows: ListedRow[] = []
    let cursor: string | undefined
    do {
      const page = await cache.list({ ...options, cursor })
      rows.push(...page.entries.map(({ namespace, ...entry }) => ({ ...entry, key: pathOf(namespace, entry.key) })))
      cursor = page.cursor
    } while (cursor !== undefined)
    return rows
      .filter(({ key }) => byCodePoint(key, after) > 0)
      .sort((a, b) => byCodePoint(a.key, b.key))
      .slice(0, parseList(ROOT, options).limit + 1)
  }
}

/** A refresh as a plain write: as of before the computation, which fences it against invalidations only. */
function asSet(cache: Cache): Refresh {
  return async (key, compute, options) => {
    const { asOf = await cache.snapshot(), signal = new AbortController().signal } = options ?? {}
    const tags = new Set(typeof options?.tags === 'string' ? [options.tags] : options?.tags)
    let expiration = options?.expiration
    let isSkipped = false
    const value = await compute({
      key,
      signal,
      expireIn(given) {
        expiration = given
      },
      tag(...more) {
        for (const tag of more) tags.add(tag)
      },
      skip() {
        isSkipped = true
      },
    })
    if (isSkipped) return value
    await cache.set(key, value, { expiration, tags, asOf })
    // Only the cache knows what its codec makes of the value; if the entry is gone already, nobody else gets to see it.
    return cache.get<unknown>(key, { fallback: value })
  }
}
