/** `get`, `getMany`, `has`, `expiration`, `entry`: methods that change no value. */
import type { Cache, CacheEntry } from '../cache.ts'
import { decodeRow } from '../store/decode-row.ts'
import { readLocally } from '../store/read-local.ts'
import { type Row, toReply } from '../store/store.ts'
import { UnreadableValueError } from '../values/errors.ts'
import { storedKey, storedKeys } from '../values/key.ts'
import type { OperationEngine } from './engine.ts'
import { createEntry } from './entry.ts'
import { type GetOptions, parseGet, slidingLifeMs } from './inputs.ts'
import { hitOrMiss, outcome, perform, replyWith } from './perform.ts'
import type { writing } from './writing.ts'

export function reading(engine: OperationEngine) {
  const { store, codec, slack, scope, readRow } = engine
  const isPlain = store.isLocal === true && engine.emit === undefined

  function read(stored: string, ttlMs: number | undefined) {
    if (ttlMs === undefined) return readRow(stored)
    return store.read(stored, { sliding: { ttlMs, lifeMs: slidingLifeMs(ttlMs, slack), maxAgeMs: null } })
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, ttlMs } = parseGet(options)
    const stored = storedKey(scope, key)
    if (isPlain) {
      // The fast path: the rest of this function is needed only for a listener or a remote store.
      const reply = read(stored, ttlMs)
      const { value: row } = reply instanceof Promise ? await reply : reply
      return row === undefined ? fallback : decodeRow(row, stored, codec)
    }
    const local = ttlMs === undefined ? readLocally(store, stored) : undefined
    if (local !== undefined && engine.emit === undefined) return decodeRow(local, stored, codec)
    const hit = await perform<{ value: unknown } | undefined>(engine, {
      name: 'get',
      key,
      stored,
      async run() {
        const reply = local === undefined ? await read(stored, ttlMs) : toReply<Row | undefined>(local)
        return replyWith(reply, reply.value && { value: await decodeRow(reply.value, stored, codec) })
      },
      report: hitOrMiss,
    })
    return hit === undefined ? fallback : hit.value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const wanted = storedKeys(scope, keys)
    if (wanted.size === 0) return new Map()
    return perform<Map<string, unknown>>(engine, {
      name: 'getMany',
      async run() {
        const reply = await store.readMany([...wanted.keys()])
        return replyWith(reply, await decodeRows(reply.value, wanted, engine))
      },
      report: ({ size }) => [
        ...(size > 0 ? outcome('hit', size) : []),
        ...(size < wanted.size ? outcome('miss', wanted.size - size) : []),
      ],
    })
  }

  return {
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    async has(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const run = () => store.has(stored)
      const report = (exists: boolean) => outcome(exists ? 'hit' : 'miss')
      return perform(engine, { name: 'has', key, stored, run, report })
    },
    async expiration(key: string): Promise<Date | null | undefined> {
      const stored = storedKey(scope, key)
      const run = () => store.deadline(stored)
      const operation = { name: 'expiration', key, stored, run, report: hitOrMiss }
      const instant = await perform<number | undefined>(engine, operation)
      if (instant === undefined) return undefined
      return instant === Number.POSITIVE_INFINITY ? null : new Date(Math.floor(instant))
    },
  }
}

/** Creates the handle of one key. */
export function entryHandle<T>(
  engine: OperationEngine,
  key: string,
  cache: Pick<ReturnType<typeof writing>, 'setStored'> & Pick<Cache, 'delete'>,
): CacheEntry<T> {
  const { codec, scope, readRow } = engine
  const stored = storedKey(scope, key)
  return createEntry<T>({
    async read() {
      const run = () => readRow(stored)
      const row = await perform<Row | undefined>(engine, { name: 'entry', key, stored, run, report: hitOrMiss })
      return row && (async () => decodeRow(row, stored, codec) as T)
    },
    set: async (value, options) => decodeRow(await cache.setStored(key, value, options), stored, codec) as T,
    delete: () => cache.delete(key),
  })
}

/** Returns the values by the caller's keys, in the order of these keys. */
async function decodeRows(
  rows: ReadonlyMap<string, Row>,
  wanted: ReadonlyMap<string, string>,
  { codec }: OperationEngine,
): Promise<Map<string, unknown>> {
  const values = new Map<string, unknown>()
  let hasPromises = false
  for (const [stored, key] of wanted) {
    const row = rows.get(stored)
    if (row === undefined) continue
    const value = decodeRow(row, stored, codec)
    hasPromises ||= value instanceof Promise
    values.set(key, value)
  }
  // Skip the promises if possible: a promise for each value takes longer than a copy of the value.
  if (!hasPromises) return values
  const pairs = Array.from(values, async ([key, value]) => [key, await withKeyInError(key, value)] as const)
  return new Map(await Promise.all(pairs))
}

/** Adds the key to the error of a value that cannot be decoded. */
async function withKeyInError(key: string, value: unknown): Promise<unknown> {
  try {
    return await value
  } catch (error) {
    if (error instanceof UnreadableValueError) Object.defineProperty(error, 'key', { value: key })
    throw error
  }
}
