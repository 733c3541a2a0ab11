/** `get`, `getMany`, `has`, `expiration`, `entry`: what answers without changing a value. */
import type { Cache, CacheEntry } from '../cache.ts'
import { createEntry } from '../entry.ts'
import { type GetOptions, parseGet, slidingLifeMs } from '../store/inputs.ts'
import { decodeValue, type StoredValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import { storedKey, storedKeys } from '../values/key.ts'
import { type Context, MAX_KEYS } from './context.ts'
import { observed } from './observed.ts'
import { has } from './operations/has.ts'
import { read } from './operations/read.ts'
import { readDeadline } from './operations/read-deadline.ts'
import { readOne } from './operations/read-one.ts'
import { isTooLarge } from './retry.ts'
import type { Runner } from './runner.ts'
import { readSlidingRow } from './sliding.ts'
import type { writing } from './writing.ts'

export function reading(context: Context) {
  const { runner, coalesced, codec, slack, scope } = context
  const outcome = (found: unknown) => ({ type: found === undefined ? ('miss' as const) : ('hit' as const), count: 1 })

  const absent = { value: undefined }

  async function slidingRow(key: string, ttlMs: number, cost: Cost): Promise<StoredValue | undefined> {
    return readSlidingRow(runner, key, { ttlMs, lifeMs: slidingLifeMs(ttlMs, slack), maxAgeMs: null }, cost)
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, ttlMs } = parseGet(options)
    const stored = storedKey(scope, key)
    const found = await observed<{ value: unknown } | undefined>(context, {
      operation: 'get',
      key,
      async run(cost) {
        const row = await (ttlMs === undefined ? coalesced(stored, cost) : slidingRow(stored, ttlMs, cost))
        return row && { value: await decodeValue(row, stored, codec) }
      },
      outcome,
      whenAway: absent,
    })
    return found === undefined ? fallback : found.value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const asked = storedKeys(scope, keys)
    if (asked.size === 0) return new Map()
    async function run(cost: Cost) {
      const rows = await readRows(runner, [...asked.keys()], cost)
      const found = Array.from(asked, async ([stored, key]) => {
        const row = rows.get(stored)
        return row && ([key, await decodeValue(row, stored, codec)] as const)
      })
      return new Map((await Promise.all(found)).filter((pair) => pair !== undefined))
    }
    return observed<Map<string, unknown>>(context, {
      operation: 'getMany',
      run,
      outcome: ({ size }) => [
        ...(size > 0 ? [{ type: 'hit' as const, count: size }] : []),
        ...(size < asked.size ? [{ type: 'miss' as const, count: asked.size - size }] : []),
      ],
      whenAway: { value: new Map() },
    })
  }

  return {
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    async has(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const run = async (cost: Cost) => (await runner.run(has, { key: stored }, cost))[0]
      const row = await observed(context, { operation: 'has', key, run, outcome, whenAway: absent })
      return row !== undefined
    },
    async expiration(key: string): Promise<Date | null | undefined> {
      const stored = storedKey(scope, key)
      const run = async (cost: Cost) => (await runner.run(readDeadline, { key: stored }, cost))[0]
      const row = await observed<Awaited<ReturnType<typeof run>>>(context, {
        operation: 'expiration',
        key,
        run,
        outcome,
        whenAway: absent,
      })
      if (row === undefined) return undefined
      return row.expiresAt === null ? null : new Date(row.expiresAt)
    },
  }
}

/** The per-key handle. */
export function entryHandle<T>(
  context: Context,
  key: string,
  cache: Pick<ReturnType<typeof writing>, 'setStored'> & Pick<Cache, 'delete'>,
): CacheEntry<T> {
  const { coalesced, codec, scope } = context
  const stored = storedKey(scope, key)
  const decoded = (row: StoredValue) => decodeValue(row, stored, codec) as Promise<T>
  return createEntry<T>({
    async read() {
      const row = await observed<StoredValue | undefined>(context, {
        operation: 'entry',
        key,
        run: (cost) => coalesced(stored, cost),
        outcome: (found) => ({ type: found === undefined ? 'miss' : 'hit', count: 1 }),
        whenAway: { value: undefined },
      })
      return row && (() => decoded(row))
    },
    set: async (value, options) => decoded(await cache.setStored(key, value, options)),
    delete: () => cache.delete(key),
  })
}

/** The live rows among stored keys. */
export function readRows(runner: Runner, keys: readonly string[], cost: Cost): Promise<Map<string, StoredValue>> {
  return inParts(keys, async (part) => {
    const [key] = part
    if (part.length > 1 || key === undefined) return runner.run(read, { keys: part }, cost)
    return (await runner.run(readOne, { key }, cost)).map((row) => ({ key, ...row }))
  })
}

/** Rows by stored key, read in parts where they are very many, or too large for one answer. */
export async function inParts<Row extends { readonly key: string }>(
  keys: readonly string[],
  readPlain: (part: readonly string[]) => Promise<Row[]>,
): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>()
  async function readPart(part: readonly string[]): Promise<void> {
    try {
      for (const row of await readPlain(part)) rows.set(row.key, row)
    } catch (error) {
      if (part.length === 1 || !isTooLarge(error)) throw error
      await readPart(part.slice(0, part.length / 2))
      await readPart(part.slice(part.length / 2))
    }
  }
  for (let i = 0; i < keys.length; i += MAX_KEYS) await readPart(keys.slice(i, i + MAX_KEYS))
  return rows
}
