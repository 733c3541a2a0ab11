/** `get`, `getMany`, `has`, `expiration`, `entry`: what answers without changing a value. */
import type { Cache, CacheEntry } from '../../cache.ts'
import { createEntry } from '../../entry.ts'
import type { Copy } from '../../store/copies.ts'
import { type GetOptions, parseGet, slidingLifeMs } from '../../store/inputs.ts'
import type { CopyOptions } from '../../store/internals.ts'
import { decodeValue } from '../../values/codec.ts'
import { storedKey, storedKeys } from '../../values/key.ts'
import { type Context, found, observed, told } from './context.ts'
import { decoded } from './decoding.ts'
import { aboutOf, slide } from './filling.ts'
import type { Row } from './storage.ts'
import type { writing } from './writing.ts'

export function reading(context: Context) {
  const { storage, scope, slack, emit } = context

  function live(stored: string): Row | undefined {
    const row = storage.read(stored)
    return row !== undefined && storage.isLive(row, storage.now()) ? row : undefined
  }

  function read(stored: string, ttlMs: number | undefined): Row | undefined {
    const row = live(stored)
    if (row !== undefined && ttlMs !== undefined) {
      slide(row, { ttlMs, lifeMs: slidingLifeMs(ttlMs, slack), maxAgeMs: null }, storage.now())
    }
    return row
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, ttlMs } = parseGet(options)
    const stored = storedKey(scope, key)
    if (emit === undefined) {
      // The way that counts: what everything else here adds, a listener pays.
      const row = read(stored, ttlMs)
      return row === undefined ? fallback : decoded(context, row, stored)
    }
    async function run() {
      const row = read(stored, ttlMs)
      return row && { value: await decoded(context, row, stored) }
    }
    const hit = await observed(context, 'get', key, run, found)
    return hit === undefined ? fallback : hit.value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const asked = storedKeys(scope, keys)
    if (asked.size === 0) return new Map()
    async function run() {
      const rows = [...asked].map(([stored, key]) => ({ key, stored, row: live(stored) }))
      const values = new Map<string, unknown>()
      for (const { key, stored, row } of rows) if (row) values.set(key, await decoded(context, row, stored))
      return values
    }
    return observed(context, 'getMany', undefined, run, ({ size }) => [
      ...(size > 0 ? told('hit', size) : []),
      ...(size < asked.size ? told('miss', asked.size - size) : []),
    ])
  }

  async function copies(keys: readonly string[], { slidingMs }: CopyOptions = {}): Promise<ReadonlyMap<string, Copy>> {
    const found = new Map<string, Copy>()
    for (const key of keys) {
      const stored = storedKey(scope, key)
      const row = read(stored, slidingMs)
      if (row) found.set(key, { value: () => decoded(context, row, stored), ...aboutOf(row, storage.now()) })
    }
    return found
  }

  /** Neither counts as a use: who asks only whether an entry is there does not need its value kept. */
  function peeked(stored: string): Row | undefined {
    const row = storage.peek(stored)
    return row !== undefined && storage.isLive(row, storage.now()) ? row : undefined
  }

  return {
    copies,
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    async has(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      return (await observed(context, 'has', key, () => peeked(stored), found)) !== undefined
    },
    async expiration(key: string): Promise<Date | null | undefined> {
      const stored = storedKey(scope, key)
      const row = await observed(context, 'expiration', key, () => peeked(stored), found)
      return row && dateOf(row.expiresAt)
    },
    entryOf<T>(
      key: string,
      cache: Pick<ReturnType<typeof writing>, 'setStored'> & Pick<Cache, 'delete'>,
    ): CacheEntry<T> {
      const stored = storedKey(scope, key)
      return createEntry<T>({
        async read() {
          const row = await observed(context, 'entry', key, () => live(stored), found)
          // The value as it is now: a counter's row never changes, it is replaced.
          return row && (async () => decoded(context, row, stored) as T)
        },
        set: async (value, options) =>
          decodeValue(await cache.setStored(key, value, options), stored, context.codec) as Promise<T>,
        delete: () => cache.delete(key),
      })
    },
  }
}

/** An instant as callers see it; null is never. */
export function dateOf(instant: number): Date | null {
  return instant === Number.POSITIVE_INFINITY ? null : new Date(Math.floor(instant))
}
