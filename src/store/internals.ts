/**
 * What the stores of this package can do beyond the public interface, for those that are made of other stores.
 *
 * Under a symbol, so that a cache is still any object with the methods of `Cache`: what lacks it gets the nearest that
 * those methods can do.
 */

import type { Cache, Fill, GetOrSetOptions, WriteOptions } from '../cache.ts'
import { byCodePoint, pathOf, ROOT } from '../values/key.ts'
import { parseList, type ReadRows, type Row } from './listing.ts'

/** Of the registry, so that two copies of the package understand each other. */
export const internals: unique symbol = Symbol.for('pgstash.internals')

/** Checks and encodes what `setMany` is given; what it answers stores it. */
export type PrepareMany = (
  entries: Record<string, unknown> | Iterable<readonly [string, unknown]>,
  options?: WriteOptions,
) => Promise<() => Promise<void>>

/** Computes anew although an entry is live, and stores it as a fill; answers with the value. */
export type Refresh = (key: string, compute: (fill: Fill) => unknown, options?: GetOrSetOptions) => Promise<unknown>

export interface Internals {
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
    prepareMany: async (entries, options) => () => cache.setMany(entries, options),
    refresh: asSet(cache),
    rows: fromPages(cache),
  }
}

/** Rows from pages, each time from the first: where a page of a store from elsewhere ends, only its own cursors tell. */
function fromPages(cache: Cache): ReadRows {
  return async (options, after) => {
    const rows: Row[] = []
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
    if (!isSkipped) await cache.set(key, value, { expiration, tags, asOf })
    return value
  }
}
