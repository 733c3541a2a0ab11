/** Operations on many keys or on everything: all nodes at once, and what they answer put together. */

import { parsePairs, parseSweep, parseTags, parseWrite } from '../../cache/inputs.ts'
import { type CopyOptions, internalsOf, type PrepareMany } from '../../cache/internals.ts'
import { pageOf, parseList, type ReadRows } from '../../cache/listing.ts'
import { listed, once } from '../../cache/once.ts'
import type {
  Cache,
  CacheSnapshot,
  CacheStats,
  CleanupResult,
  ClearExpiredOptions,
  EntryPage,
  ListOptions,
} from '../../cache.ts'
import type { Copy } from '../../store/copies.ts'
import { now } from '../../values/clock.ts'
import { NEVER } from '../../values/expiration.ts'
import { byCodePoint, ROOT, storedKeys } from '../../values/key.ts'
import { byNode, type Context, nodeCache, optionsFor, spared, together } from './context.ts'
import { joined } from './snapshots.ts'

export function several(context: Context) {
  const { nodes, scope } = context
  const everywhere = <T>(work: (cache: Cache, name: string) => Promise<T>) =>
    together(Array.from(nodes, ([name, cache]) => work(cache, name)))
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

  async function getMany(keys: Iterable<string>): Promise<Map<string, unknown>> {
    const asked = [...storedKeys(scope, keys).values()]
    const groups = byNode(context, asked, (key) => key)
    const parts = Array.from(groups, ([name, own]) => nodeCache(context, name).getMany(own))
    const found = new Map((await spared(context, parts)).flatMap((part) => [...part]))
    return new Map(asked.filter((key) => found.has(key)).map((key) => [key, found.get(key)]))
  }

  async function copies(keys: readonly string[], options?: CopyOptions): Promise<ReadonlyMap<string, Copy>> {
    // Each node has a log of its own, and no cursor is of them all.
    const { slidingMs } = options ?? {}
    const groups = byNode(context, storedKeys(scope, keys).values(), (key) => key)
    const parts = Array.from(groups, ([name, own]) => internalsOf(nodeCache(context, name)).copies(own, { slidingMs }))
    return new Map((await spared(context, parts)).flatMap((part) => [...part]))
  }

  /** Every node checks its part before any writes: one value that cannot be stored refuses all. */
  const prepareMany: PrepareMany = async (entries, options) => {
    const groups = byNode(context, parsePairs(entries), ([key]) => key)
    const given = once(options)
    parseWrite({ expiration: NEVER }, given)
    const writes = await together(
      Array.from(groups, ([name, own]) =>
        internalsOf(nodeCache(context, name)).prepareMany(own, optionsFor(given, name)),
      ),
    )
    return async () => {
      await spared(
        context,
        writes.map((write) => write()),
      )
    }
  }

  const rows: ReadRows = async (options, after) => {
    const { limit } = parseList(ROOT, options)
    const parts = await everywhere((cache) => internalsOf(cache).rows(options, after))
    return parts
      .flat()
      .sort((a, b) => byCodePoint(a.key, b.key))
      .slice(0, limit + 1)
  }

  return {
    getMany: getMany as Cache['getMany'],
    prepareMany,
    rows,
    copies,
    setMany: (async (entries, options) => (await prepareMany(entries, options))()) as Cache['setMany'],
    async deleteMany(keys: Iterable<string>): Promise<number> {
      const groups = byNode(context, storedKeys(scope, keys).values(), (key) => key)
      return sum(await together(Array.from(groups, ([name, own]) => nodeCache(context, name).deleteMany(own))))
    },
    clear: async (): Promise<number> => sum(await everywhere((cache) => cache.clear())),
    count: async (): Promise<number> => sum(await everywhere((cache) => cache.count())),
    async stats(): Promise<CacheStats> {
      const all = await everywhere((cache) => cache.stats())
      const total = (name: Exclude<keyof CacheStats, 'estimated'>) => sum(all.map((stats) => stats[name]))
      return {
        total: total('total'),
        expired: total('expired'),
        unexpired: total('unexpired'),
        forever: total('forever'),
        bytes: total('bytes'),
        estimated: all.some(({ estimated }) => estimated),
      }
    },
    async invalidate(tags: string | Iterable<string>): Promise<void> {
      // Refused before any node is asked.
      const list = listed(tags)
      if (parseTags(list) !== null) await everywhere((cache) => cache.invalidate(list))
    },
    async snapshot(): Promise<CacheSnapshot> {
      const parts = await everywhere(async (cache, name) => [name, await cache.snapshot()] as const)
      return joined(new Map(parts))
    },
    async list(options?: ListOptions): Promise<EntryPage> {
      const { limit, after } = parseList(ROOT, options)
      const { cursor: _, ...asked } = options ?? {}
      return pageOf(ROOT, await rows(asked, after), limit)
    },
    clearExpired: (options?: ClearExpiredOptions): Promise<CleanupResult> => sweep([...nodes.values()], options),
  }
}

/** One node after the other, in batches that go over from one to the next: so the batch and the time mean the same as ever. */
async function sweep(nodes: Cache[], options: ClearExpiredOptions | undefined): Promise<CleanupResult> {
  const { batch, timeBudget, onProgress, signal } = parseSweep(options)
  const startedAt = now()
  const waiting = [...nodes]
  let total = 0
  let evicted: number | undefined
  let isLeft = false
  const timeLeft = () =>
    timeBudget === Number.POSITIVE_INFINITY ? undefined : Math.max(0, timeBudget - (now() - startedAt))
  const result = (more: boolean) => ({ removed: total, ...(evicted === undefined ? {} : { evicted }), more })
  for (;;) {
    let room = batch
    for (let node = waiting[0]; node !== undefined && room > 0; node = waiting[0]) {
      const swept = await sweepPart(node, { batch: room, timeBudget: timeLeft(), signal })
      total += swept.removed
      room -= swept.removed
      if (swept.evicted !== undefined) evicted = (evicted ?? 0) + swept.evicted
      // A node that had to evict leaves the rest to the next run, as it would by itself.
      if (swept.more && swept.evicted) isLeft = true
      else if (swept.more) break
      waiting.shift()
    }
    onProgress?.(total)
    if (waiting.length === 0) return result(isLeft)
    if (signal?.aborted || now() - startedAt >= timeBudget) return result(true)
  }
}

/** A batch of one node. */
async function sweepPart(node: Cache, rest: ClearExpiredOptions): Promise<CleanupResult> {
  const swept = await node.clearExpired({ batch: rest.batch, timeBudget: 0 })
  // It has looked at a part in which there is nothing to remove: only a run of its own goes on from there.
  return swept.more && swept.removed === 0 && !swept.evicted ? node.clearExpired(rest) : swept
}
