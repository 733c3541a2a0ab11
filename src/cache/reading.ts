/** `get`, `getMany`, `has`, `expiration`, `entry`: methods that change no value. */
import type { Cache, CacheEntry } from '../cache.ts'
import type { Reply, Row } from '../store/store.ts'
import { storedKey, storedKeys } from '../values/key.ts'
import { decodeRow } from './decoding.ts'
import type { ScopedEngine } from './engine.ts'
import { createEntry } from './entry.ts'
import { type GetOptions, parseGet, slidingLifeMs } from './inputs.ts'
import { found, type Outcome, perform, told } from './perform.ts'
import type { writing } from './writing.ts'

export function reading(engine: ScopedEngine) {
  const { store, codec, slack, scope, readRow } = engine
  const isPlain = store.isLocal && engine.emit === undefined

  function read(stored: string, ttlMs: number | undefined) {
    if (ttlMs === undefined) return readRow(stored)
    return store.read(stored, { sliding: { ttlMs, lifeMs: slidingLifeMs(ttlMs, slack), maxAgeMs: null } })
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, ttlMs } = parseGet(options)
    const stored = storedKey(scope, key)
    if (isPlain) {
      // The fast path: a listener pays for everything else that this function does.
      const { value: row } = read(stored, ttlMs) as Reply<Row | undefined>
      return row === undefined ? fallback : decodeRow(row, stored, codec)
    }
    const hit = await perform<{ value: unknown } | undefined>(engine, {
      name: 'get',
      key,
      async run() {
        const { value: row, cost } = await read(stored, ttlMs)
        return { value: row && { value: await decodeRow(row, stored, codec) }, cost }
      },
      report: found,
      fallback: { value: undefined },
    })
    return hit === undefined ? fallback : hit.value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const asked = storedKeys(scope, keys)
    if (asked.size === 0) return new Map()
    return perform<Map<string, unknown>>(engine, {
      name: 'getMany',
      async run() {
        const { value: rows, cost } = await store.readMany([...asked.keys()])
        return { value: await decodeRows(rows, asked, engine), cost }
      },
      report: ({ size }) => hitsAndMisses(size, asked.size),
      fallback: { value: new Map() },
    })
  }

  return {
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    async has(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const run = () => store.has(stored)
      const report = (isThere: boolean) => found(isThere || undefined)
      return perform(engine, { name: 'has', key, run, report, fallback: { value: false } })
    },
    async expiration(key: string): Promise<Date | null | undefined> {
      const stored = storedKey(scope, key)
      const run = () => store.deadline(stored)
      const instant = await perform<number | undefined>(engine, {
        ...{ name: 'expiration', key, run, report: found, fallback: { value: undefined } },
      })
      if (instant === undefined) return undefined
      return instant === Number.POSITIVE_INFINITY ? null : new Date(Math.floor(instant))
    },
  }
}

/** The handle of one key. */
export function entryHandle<T>(
  engine: ScopedEngine,
  key: string,
  cache: Pick<ReturnType<typeof writing>, 'setStored'> & Pick<Cache, 'delete'>,
): CacheEntry<T> {
  const { codec, scope, readRow } = engine
  const stored = storedKey(scope, key)
  return createEntry<T>({
    async read() {
      const run = () => readRow(stored)
      const row = await perform<Row | undefined>(engine, {
        ...{ name: 'entry', key, run, report: found, fallback: { value: undefined } },
      })
      return row && (async () => decodeRow(row, stored, codec) as T)
    },
    set: async (value, options) => decodeRow(await cache.setStored(key, value, options), stored, codec) as T,
    delete: () => cache.delete(key),
  })
}

/** Values by the caller's key, in the order asked. */
async function decodeRows(
  rows: ReadonlyMap<string, Row>,
  asked: ReadonlyMap<string, string>,
  { codec }: ScopedEngine,
): Promise<Map<string, unknown>> {
  const pairs = Array.from(asked, async ([stored, key]) => {
    const row = rows.get(stored)
    return row && ([key, await decodeRow(row, stored, codec)] as const)
  })
  return new Map((await Promise.all(pairs)).filter((pair) => pair !== undefined))
}

export function hitsAndMisses(hits: number, asked: number): Outcome[] {
  return [...(hits > 0 ? told('hit', hits) : []), ...(hits < asked ? told('miss', asked - hits) : [])]
}
