/** Reads: the first tier, and for what it lacks the second. */

import { createCoalescer } from '../../cache/coalesce.ts'
import { type GetOptions, parseGet } from '../../cache/inputs.ts'
import { once } from '../../cache/once.ts'
import type { Cache, GetOrSetOptions } from '../../cache.ts'
import { parseGetOrSet } from '../../fill/options.ts'
import type { Copy } from '../../store/copies.ts'
import { free } from '../../store/store.ts'
import { DEFAULT_TIMEOUT_MS } from '../../values/defaults.ts'
import { ABSENT, type Context, keep, keysOf, ticketed } from './context.ts'
import type { Ticket } from './fence.ts'

export function reading(context: Context) {
  const { l1, l2, inside, nameOf, undue, fence, feed, asksForNews } = context
  // Gets of one tick share a round trip.
  const coalesced = createCoalescer<Copy>(
    async (keys) => free(await copied(keys)),
    inside.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  )
  const newsFor = (own: readonly Ticket[]) => (asksForNews ? feed.reader(own) : undefined)

  /** The copy's value, or {@link ABSENT}; also where the first tier fails. */
  async function near(key: string): Promise<unknown> {
    return l1.get<unknown, typeof ABSENT>(nameOf(key), { fallback: ABSENT }).catch(() => ABSENT)
  }

  /** Whether a read that slides by so much must reach the second tier, for its deadline to move in time. */
  async function isDue(key: string, ttlMs: number | undefined): Promise<boolean> {
    return ttlMs !== undefined && !(await undue.has(nameOf(key), ttlMs))
  }

  /** What the second tier has, with copies kept of it. */
  async function copied(keys: readonly string[], slidingMs?: number): Promise<ReadonlyMap<string, Copy>> {
    const tickets = new Map(keys.map((key) => [key, fence.open(nameOf(key))]))
    try {
      const copies = await inside.copies(keys, { slidingMs, news: newsFor([...tickets.values()]) })
      const kept = Array.from(copies, ([key, copy]) => keptCopy(copy, tickets.get(key), slidingMs))
      await Promise.all(kept)
      return copies
    } finally {
      for (const ticket of tickets.values()) fence.close(ticket)
    }
  }

  async function keptCopy(copy: Copy, ticket: Ticket | undefined, ttlMs: number | undefined): Promise<void> {
    if (ttlMs !== undefined && ticket !== undefined) await undue.note(ticket, ttlMs, copy)
    await keep(context, copy, ticket)
  }

  async function far(key: string, ttlMs: number | undefined): Promise<unknown> {
    const copy = ttlMs === undefined ? (await coalesced(key)).value : (await copied([key], ttlMs)).get(key)
    // Sliding, the first tier was not asked; while the second is away it is all there is.
    if (copy === undefined) return ttlMs === undefined ? ABSENT : near(key)
    return copy.value()
  }

  async function get(key: string, options?: GetOptions): Promise<unknown> {
    const { fallback, ttlMs } = parseGet(options)
    nameOf(key)
    const found = (await isDue(key, ttlMs)) ? ABSENT : await near(key)
    const value = found === ABSENT ? await far(key, ttlMs) : found
    return value === ABSENT ? fallback : value
  }

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const names = new Map(keysOf(keys).map((key) => [key, nameOf(key)]))
    const nearby = await l1.getMany(names.values()).catch(() => new Map<string, unknown>())
    const missing = [...names].filter(([, name]) => !nearby.has(name)).map(([key]) => key)
    const copies = missing.length > 0 ? await copied(missing) : new Map<string, Copy>()
    const found = Array.from(names, async ([key, name]) => {
      const copy = copies.get(key)
      if (copy !== undefined) return [key, await copy.value()] as const
      return nearby.has(name) ? ([key, nearby.get(name)] as const) : undefined
    })
    return new Map((await Promise.all(found)).filter((pair) => pair !== undefined))
  }

  async function getOrSet(key: string, compute: unknown, options?: GetOrSetOptions): Promise<unknown> {
    nameOf(key)
    const given = once(options)
    const { sliding, beta, signal } = parseGetOrSet(given, { expiration: inside.defaultExpiration(key), slack: 0 })
    signal?.throwIfAborted()
    const ttlMs = sliding?.ttlMs
    // Whether to refresh early only the second tier can tell.
    if (beta === 0 && !(await isDue(key, ttlMs))) {
      const found = await near(key)
      if (found !== ABSENT) return found
    }
    return ticketed(context, key, (ticket) =>
      inside.getOrSetKeeping(key, compute, given, (copy) => keptCopy(copy, ticket, ttlMs), newsFor([ticket])),
    )
  }

  return {
    get: get as Cache['get'],
    getMany: getMany as Cache['getMany'],
    getOrSet: getOrSet as Cache['getOrSet'],
    async has(key: string): Promise<boolean> {
      nameOf(key)
      return (await l1.has(nameOf(key)).catch(() => false)) || l2.has(key)
    },
  }
}
