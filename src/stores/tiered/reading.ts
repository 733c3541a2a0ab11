/** Reads: the first tier, and for what it lacks the second. */
import type { Cache, GetOrSetOptions } from '../../cache.ts'
import { parsePlan } from '../../fill/options.ts'
import type { Copy } from '../../store/copies.ts'
import { type GetOptions, parseGet } from '../../store/inputs.ts'
import { storedKey, storedKeys } from '../../values/key.ts'
import { ABSENT, type Context, keep, ticketed } from './context.ts'

export function reading(context: Context) {
  const { l1, l2, inside, scope, undue, fence, copyMs } = context

  /** The copy's value, or {@link ABSENT}; also where the first tier fails. */
  async function near(key: string): Promise<unknown> {
    return l1.get<unknown, typeof ABSENT>(key, { fallback: ABSENT }).catch(() => ABSENT)
  }

  /** Whether a read that slides by so much must reach the second tier, for its deadline to move in time. */
  async function isDue(key: string, ttlMs: number | undefined): Promise<boolean> {
    return ttlMs !== undefined && !(await undue.has(mark(key, ttlMs)).catch(() => false))
  }

  async function noteUndue(key: string, ttlMs: number | undefined, { remainingMs }: Copy): Promise<void> {
    if (ttlMs === undefined) return
    const milliseconds = Math.floor(Math.min(remainingMs - ttlMs, copyMs))
    await undue.set(mark(key, ttlMs), null, { expiration: { milliseconds } }).catch(() => {})
  }

  async function far(key: string, ttlMs: number | undefined): Promise<unknown> {
    return ticketed(context, key, async (ticket) => {
      const copy = (await inside.copies([key], ttlMs)).get(key)
      // Sliding, the copy was not asked; while the second tier is away it is all there is.
      if (copy === undefined) return ttlMs === undefined ? ABSENT : near(key)
      await noteUndue(key, ttlMs, copy)
      await keep(context, key, copy, ticket)
      return copy.value
    })
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, ttlMs } = parseGet(options)
    storedKey(scope, key)
    const found = (await isDue(key, ttlMs)) ? ABSENT : await near(key)
    const value = found === ABSENT ? await far(key, ttlMs) : found
    return value === ABSENT ? fallback : value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const asked = storedKeys(scope, keys)
    const names = [...asked.values()]
    const found = await l1.getMany(names).catch(() => new Map<string, unknown>())
    const missing = [...asked].filter(([, key]) => !found.has(key))
    if (missing.length > 0) {
      const tickets = new Map(missing.map(([stored, key]) => [key, fence.open(stored)]))
      try {
        const copies = await inside.copies([...tickets.keys()])
        const kept = Array.from(copies, async ([key, copy]) => {
          found.set(key, copy.value)
          const ticket = tickets.get(key)
          if (ticket) await keep(context, key, copy, ticket)
        })
        await Promise.all(kept)
      } finally {
        for (const ticket of tickets.values()) fence.close(ticket)
      }
    }
    return new Map(names.filter((key) => found.has(key)).map((key) => [key, found.get(key)]))
  }

  async function getOrSet(key: string, compute: unknown, options?: GetOrSetOptions): Promise<unknown> {
    storedKey(scope, key)
    const { sliding, beta, signal } = parsePlan(options, { expiration: inside.defaultExpiration(key), slack: 0 })
    signal?.throwIfAborted()
    const ttlMs = sliding?.ttlMs
    // Whether to refresh early only the second tier can tell.
    if (beta === 0 && !(await isDue(key, ttlMs))) {
      const found = await near(key)
      if (found !== ABSENT) return found
    }
    return ticketed(context, key, (ticket) =>
      inside.getOrSetKeeping(key, compute, options, async (copy) => {
        await noteUndue(key, ttlMs, copy)
        await keep(context, key, copy, ticket)
      }),
    )
  }

  return {
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    getOrSet: getOrSet as Cache['getOrSet'],
    async has(key: string): Promise<boolean> {
      storedKey(scope, key)
      return (await l1.has(key).catch(() => false)) || l2.has(key)
    },
  }
}

function mark(key: string, ttlMs: number): string {
  return `${ttlMs} ${key}`
}
