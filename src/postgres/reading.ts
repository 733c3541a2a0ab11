/** `get`, `getMany`, `has`, `expiration`, `entry`: what answers without changing a value. */
import type { Cache, CacheEntry } from '../cache.ts'
import { createEntry } from '../entry.ts'
import { now } from '../values/clock.ts'
import { decodeValue, type StoredValue } from '../values/codec.ts'
import { boundedSpan, parsePeriod } from '../values/expiration.ts'
import { storedKey, storedKeys } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import { type Context, MAX_KEYS, observed } from './context.ts'
import { has } from './operations/has.ts'
import { read } from './operations/read.ts'
import { readDeadline } from './operations/read-deadline.ts'
import { readOne } from './operations/read-one.ts'
import { readSliding } from './operations/read-sliding.ts'
import { isTooLarge } from './retry.ts'
import type { Runner } from './runner.ts'
import type { writing } from './writing.ts'

type GetOptions = { fallback?: unknown; sliding?: unknown }

export function reading(context: Context) {
  const { runner, coalesced, codec, slack, scope } = context
  const outcome = (found: unknown) => ({ type: found === undefined ? ('miss' as const) : ('hit' as const), count: 1 })

  async function slidingRow(key: string, ttlMs: number): Promise<StoredValue | undefined> {
    const lifeMs = boundedSpan(ttlMs * (1 + slack), now())
    const [row] = await runner.run(readSliding, { key, ttlMs, lifeMs })
    return row
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, sliding } = optionsObject<GetOptions>(options, ['fallback', 'sliding'])
    const stored = storedKey(scope, key)
    const ttlMs = sliding === undefined ? undefined : parsePeriod(sliding, 'sliding', now())
    const found = await observed(
      context,
      'get',
      async () => {
        const row = await (ttlMs === undefined ? coalesced(stored) : slidingRow(stored, ttlMs))
        return row && { value: await decodeValue(row, stored, codec) }
      },
      outcome,
    )
    return found === undefined ? fallback : found.value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const asked = storedKeys(scope, keys)
    if (asked.size === 0) return new Map()
    async function read() {
      const rows = await readRows(runner, [...asked.keys()])
      const found = Array.from(asked, async ([stored, key]) => {
        const row = rows.get(stored)
        return row && ([key, await decodeValue(row, stored, codec)] as const)
      })
      return new Map((await Promise.all(found)).filter((pair) => pair !== undefined))
    }
    return observed(context, 'getMany', read, ({ size }) => [
      ...(size > 0 ? [{ type: 'hit' as const, count: size }] : []),
      ...(size < asked.size ? [{ type: 'miss' as const, count: asked.size - size }] : []),
    ])
  }

  return {
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    async has(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const row = await observed(context, 'has', async () => (await runner.run(has, { key: stored }))[0], outcome)
      return row !== undefined
    },
    async expiration(key: string): Promise<Date | null | undefined> {
      const stored = storedKey(scope, key)
      const run = async () => (await runner.run(readDeadline, { key: stored }))[0]
      const row = await observed(context, 'expiration', run, outcome)
      if (row === undefined) return undefined
      return row.expiresAt === null ? null : new Date(row.expiresAt)
    },
  }
}

/** The per-key handle. */
export function entryHandle<T>(
  context: Context,
  key: string,
  cache: Pick<ReturnType<typeof writing>, 'set'> & { delete: Cache['delete'] },
): CacheEntry<T> {
  const { coalesced, codec, scope } = context
  const stored = storedKey(scope, key)
  return createEntry<T>({
    async read() {
      const row = await coalesced(stored)
      return row && (() => decodeValue(row, stored, codec) as Promise<T>)
    },
    set: (value, options) => cache.set(key, value, options),
    delete: () => cache.delete(key),
  })
}

/** The live rows among stored keys, in parts where they are very many, or too large for one answer. */
export async function readRows(runner: Runner, keys: readonly string[]): Promise<Map<string, StoredValue>> {
  const rows = new Map<string, StoredValue>()
  async function readPlain(part: readonly string[]) {
    const [key] = part
    if (part.length > 1 || key === undefined) return runner.run(read, { keys: part })
    return (await runner.run(readOne, { key })).map((row) => ({ key, ...row }))
  }
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
