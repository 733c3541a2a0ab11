/**
 * A store over a third party's cache, which is any object with the methods of `Cache`.
 *
 * The cache has no stored rows, so values are decoded on the way in and encoded on the way out. The tags of a row are
 * unknown, and its deadline costs a second call.
 */

import type { Cache, ListOptions } from '../../cache.ts'
import { decodeRow } from '../../store/decode-row.ts'
import type { CountingInput, ListedRow, ListInput } from '../../store/inputs.ts'
import {
  type Item,
  type ReadOptions,
  type Reply,
  type Row,
  type Store,
  toReply,
  type WriteInput,
} from '../../store/store.ts'
import { wallClock } from '../../values/clock.ts'
import { type Codec, encodeValue } from '../../values/codec.ts'
import type { Expiration } from '../../values/expiration.ts'
import { byCodePoint, callPath, pathOf, type Scope } from '../../values/key.ts'
import { expirationOf } from './expirations.ts'
import { filling } from './filling.ts'

const ABSENT = Symbol('absent')

/** The most namespaces to remember. They are remembered because a cache may keep state in them. */
const MAX_PLACES = 1_000

export function thirdPartyStore(cache: Cache, codec: Codec): Store {
  const places = new Map<string, Cache>()
  /** Returns the cache's namespace for a stored key, and the key within it. */
  function at(stored: string): { readonly cache: Cache; readonly key: string } {
    const { namespaces, key } = callPath(stored)
    if (namespaces.length === 0) return { cache, key }
    const path = JSON.stringify(namespaces)
    let own = places.get(path)
    if (own === undefined) {
      own = namespaces.reduce((outer, { name, ...options }) => outer.namespace(name, options), cache)
      if (places.size >= MAX_PLACES) places.clear()
      places.set(path, own)
    }
    return { cache: own, key }
  }
  const cacheOf = ({ prefix }: Scope) => at(prefix).cache
  const encode = (value: unknown, key: string) =>
    encodeValue(value, key, { codec, maxValueBytes: Number.POSITIVE_INFINITY })
  const decode = async (item: Item) => decodeRow(item, item.key, codec)

  async function read(stored: string, { sliding, forCopy = false }: ReadOptions = {}): Promise<Reply<Row | undefined>> {
    const { cache: own, key } = at(stored)
    const options = sliding === undefined ? {} : { sliding: { milliseconds: sliding.ttlMs } }
    const value = await own.get<unknown, typeof ABSENT>(key, { fallback: ABSENT, ...options })
    if (value === ABSENT) return toReply(undefined)
    const row = await encode(value, stored)
    return toReply(forCopy ? { ...row, remainingMs: await remainingMs(own, key) } : row)
  }

  async function readMany(keys: readonly string[], options?: ReadOptions): Promise<Reply<ReadonlyMap<string, Row>>> {
    const rows = new Map<string, Row>()
    for (const [own, paths] of byCache(keys)) {
      const found = await own.getMany([...paths.keys()])
      for (const [key, value] of found) {
        const stored = paths.get(key) ?? ''
        const row = await encode(value, stored)
        rows.set(stored, options?.forCopy ? { ...row, remainingMs: await remainingMs(own, key) } : row)
      }
    }
    return toReply(rows)
  }

  /** Groups stored keys by their namespaces, because one call of a cache can have only keys of one namespace. */
  function byCache(keys: readonly string[]): Iterable<[Cache, Map<string, string>]> {
    const groups = new Map<string, [Cache, Map<string, string>]>()
    for (const stored of keys) {
      const { cache: own, key } = at(stored)
      const prefix = stored.slice(0, stored.length - pathOf([], key).length)
      const group = groups.get(prefix) ?? [own, new Map<string, string>()]
      groups.set(prefix, group)
      group[1].set(key, stored)
    }
    return groups.values()
  }

  async function write(items: readonly Item[], input: WriteInput): Promise<Reply<number>> {
    const options = writeOptions(input)
    const [only] = items
    if (items.length === 1 && only !== undefined) {
      const { cache: own, key } = at(only.key)
      await own.set(key, await decode(only), options)
      return toReply(1)
    }
    const values = new Map(await Promise.all(items.map(async (item) => [item.key, await decode(item)] as const)))
    for (const [own, paths] of byCache(items.map(({ key }) => key))) {
      await own.setMany(
        Array.from(paths, ([key, stored]) => [key, values.get(stored)] as const),
        options,
      )
    }
    return toReply(items.length)
  }

  async function remove(keys: readonly string[]): Promise<Reply<number>> {
    let removed = 0
    for (const [own, paths] of byCache(keys)) removed += await own.deleteMany([...paths.keys()])
    return toReply(removed)
  }

  /** Reads every page from the start: a third party's cache can resume only from its own cursors. */
  async function list(scope: Scope, { state, limit, after, range }: ListInput): Promise<Reply<readonly ListedRow[]>> {
    const prefix = range.from.slice(scope.prefix.length)
    const options: ListOptions = {
      ...(prefix === '' ? {} : { prefix: callPath(prefix).key }),
      ...(state === 'all' ? {} : { state }),
    }
    const rows: ListedRow[] = []
    let cursor: string | undefined
    do {
      const page = await cacheOf(scope).list({ ...options, cursor })
      for (const { namespace, ...entry } of page.entries) {
        rows.push({ ...entry, key: scope.prefix + pathOf(namespace, entry.key) })
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    const wanted = rows.filter(({ key }) => byCodePoint(key, after) > 0).sort((a, b) => byCodePoint(a.key, b.key))
    return toReply(wanted.slice(0, limit + 1))
  }

  return {
    isLocal: false,
    read,
    readMany,
    async has(stored) {
      const { cache: own, key } = at(stored)
      return toReply(await own.has(key))
    },
    async deadline(stored) {
      const { cache: own, key } = at(stored)
      const expiresAt = await own.expiration(key)
      return toReply(expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt?.getTime())
    },
    write,
    async add(item, input) {
      const { cache: own, key } = at(item.key)
      return toReply(await own.add(key, await decode(item), writeOptions(input)))
    },
    async touch(stored, deadline) {
      const { cache: own, key } = at(stored)
      return toReply(await own.touch(key, expirationOf(deadline) as Expiration))
    },
    async count(stored, { delta, sliding, deadline }) {
      const { cache: own, key } = at(stored)
      return toReply(String(await own.increment(key, Number(delta), { sliding, expiration: expirationOf(deadline) })))
    },
    async limit(stored, { periodMs, cap, algorithm, cost, refill }) {
      const { cache: own, key } = at(stored)
      const { count, resetAt, resetMs, allowed, remaining, retryMs } = await own.limit(key, {
        limit: cap - 1,
        period: { milliseconds: periodMs },
        // A cache that supports only fixed windows may refuse other options.
        ...(algorithm === undefined || algorithm === 'fixed-window' ? {} : { algorithm }),
        ...(algorithm === 'token-bucket' ? { refill } : {}),
        ...(cost === undefined || cost === 1 ? {} : { cost }),
      })
      // A cache that ignores these options omits `retryMs`. Omit the fields then, so that the engine notices.
      const more = retryMs === undefined ? {} : { isAllowed: allowed, remaining, retryMs }
      return toReply({ count, resetAt: resetAt.getTime(), resetMs, ...more })
    },
    remove,
    async take(stored) {
      const { cache: own, key } = at(stored)
      const value = await own.pull(key)
      return toReply(value === undefined ? undefined : await encode(value, stored))
    },
    async clear({ prefix }) {
      const { cache: own, key } = at(prefix)
      return toReply(key === '' ? await own.clear() : await removeAll(own, key))
    },
    sweep: async (scope, { batch, timeBudget, onProgress, signal }) =>
      toReply(
        await cacheOf(scope).clearExpired({
          ...{ batch, onProgress, signal },
          ...(timeBudget === Number.POSITIVE_INFINITY ? {} : { timeBudget }),
        }),
      ),
    invalidate: async (tags) => toReply(await cache.invalidate(tags)),
    snapshot: async () => toReply(await cache.snapshot()),
    size: async (scope, input = {}) => toReply(await cacheOf(scope).count(...optionsOf(input))),
    stats: async (scope, input) =>
      toReply(await cacheOf(scope).stats(...(input === undefined ? [] : [{ ...input, exact: true }]))),
    list,
    ...filling({ at, encode, decode, read }),
  }
}

/**
 * Lists and deletes the keys with a prefix. A third party's `clear` may ignore its options, and would delete
 * everything.
 */
async function removeAll(cache: Cache, prefix: string): Promise<number> {
  let removed = 0
  let cursor: string | undefined
  do {
    const page = await cache.list({ prefix, cursor })
    await cache.deleteMany(page.entries.map(({ key }) => key))
    removed += page.entries.length
    cursor = page.cursor
  } while (cursor !== undefined)
  return removed
}

/**
 * Asks for the remaining life of an entry, by another call. Returns 0, so that no copy is kept, if the cache cannot
 * tell.
 */
async function remainingMs(cache: Cache, key: string): Promise<number> {
  const expiresAt = await cache.expiration?.(key)
  if (expiresAt === undefined) return 0
  return expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt.getTime() - wallClock()
}

/** Passes no argument if there are no options, because the cache may not support any. */
function optionsOf({ onProgress, signal }: CountingInput): [] | [CountingInput] {
  return onProgress === undefined && signal === undefined ? [] : [{ onProgress, signal }]
}

function writeOptions({ deadline, tags, asOf }: WriteInput) {
  return {
    expiration: expirationOf(deadline),
    ...(tags === null ? {} : { tags }),
    ...(asOf === null ? {} : { asOf: asOf as never }),
  }
}
