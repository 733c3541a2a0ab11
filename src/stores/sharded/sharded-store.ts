/** Several stores as one: each key belongs to one node. */
import type { CleanupResult } from '../../cache.ts'
import type { SweepInput } from '../../store/inputs.ts'
import { leaseIdentity } from '../../store/lease-identity.ts'
import { type Item, type MaybePromise, type Reply, type Store, toReply } from '../../store/store.ts'
import { now } from '../../values/clock.ts'
import { takeCost, withCost } from '../../values/errors.ts'
import { addCosts, noCost } from '../../values/events.ts'
import { inBatches, timeLimit } from '../../values/in-batches.ts'
import type { Scope } from '../../values/key.ts'
import { countingOfNode, joinedPages, merged, sum, sumStats } from './joined.ts'
import { joinedPositions, joinedSnapshots, partOf } from './snapshots.ts'

export interface Nodes {
  /** By name, in the order in which they were given. */
  readonly stores: ReadonlyMap<string, Store>
  /** The node of a stored key. */
  readonly locate: (key: string) => string
}

export function shardedStore({ stores, locate }: Nodes): Store {
  const at = (key: string) => stores.get(locate(key)) as Store
  const asOfFor = (asOf: string | null, node: string) => (asOf === null ? null : partOf(asOf, node))

  /** Items by the node of their key, each group in the order given. */
  function byNode<T>(items: readonly T[], keyOf: (item: T) => string): [node: string, items: T[]][] {
    const groups = new Map<string, T[]>()
    for (const item of items) {
      const node = locate(keyOf(item))
      const group = groups.get(node) ?? []
      group.push(item)
      groups.set(node, group)
    }
    return [...groups]
  }

  const everywhere = <R extends Reply<unknown>>(call: (store: Store, name: string) => MaybePromise<R>) =>
    together(Array.from(stores, async ([name, store]) => call(store, name)))
  const nodesOf = <T, R>(
    groups: [string, T[]][],
    call: (store: Store, items: T[], node: string) => MaybePromise<Reply<R>>,
  ) => together(groups.map(async ([node, items]) => call(stores.get(node) as Store, items, node)))

  const members = [...stores.values()]
  return {
    isLocal: false,
    isInTransaction: members.some(({ isInTransaction }) => isInTransaction),
    ...(members.some(({ position }) => position !== undefined) ? { position: () => joinedPositions(stores) } : {}),
    readLocal: (key) => at(key).readLocal?.(key),
    leaseIdentity: (key) => leaseIdentity(at(key), key),
    // Each node has a log of its own, and no cursor covers them all.
    read: (key, options) => at(key).read(key, { ...options, changes: undefined }),
    async readMany(keys, options) {
      const own = { ...options, changes: undefined }
      const groups = byNode(keys, (key) => key)
      return merged(
        await nodesOf(groups, (store, part) => store.readMany(part, own)),
        (rows) => new Map(rows.flatMap((part) => [...part])),
      )
    },
    has: (key) => at(key).has(key),
    deadline: (key) => at(key).deadline(key),
    async write(items, input) {
      const groups = byNode<Item>(items, ({ key }) => key)
      return merged(
        await nodesOf(groups, (store, part, node) => store.write(part, { ...input, asOf: asOfFor(input.asOf, node) })),
        sum,
      )
    },
    add: (item, input) => at(item.key).add(item, { ...input, asOf: asOfFor(input.asOf, locate(item.key)) }),
    touch: (key, deadline) => at(key).touch(key, deadline),
    count: (key, input) => at(key).count(key, input),
    limit: (key, rule) => at(key).limit(key, rule),
    async remove(keys) {
      const groups = byNode(keys, (key) => key)
      return merged(await nodesOf(groups, (store, part) => store.remove(part)), sum)
    },
    take: (key) => at(key).take(key),
    clear: async (scope) => merged(await everywhere((store) => store.clear(scope)), sum),
    sweep: (scope, input) => sweepNodes(members, scope, input),
    invalidate: async (tags) => merged(await everywhere((store) => store.invalidate(tags)), () => undefined),
    async snapshot() {
      const names = [...stores.keys()]
      return merged(await everywhere((store) => store.snapshot()), (parts) =>
        joinedSnapshots(new Map(parts.map((part, i) => [names[i] ?? '', part]))),
      )
    },
    async size(scope, input) {
      const forNode = input && countingOfNode(input)
      return merged(await everywhere((store) => store.size(scope, forNode?.())), sum)
    },
    async stats(scope, input) {
      const forNode = input && countingOfNode(input)
      return merged(await everywhere((store) => store.stats(scope, forNode?.())), sumStats)
    },
    list: async (scope, input) => joinedPages(await everywhere((store) => store.list(scope, input)), input.limit),
    readOrClaim: (request) => at(request.key).readOrClaim({ ...request, changes: undefined }),
    fill: (request) => at(request.key).fill({ ...request, asOf: asOfFor(request.asOf, locate(request.key)) }),
    release: (key, token) => at(key).release(key, token),
  }
}

/** Waits for every part, so that the outcome of no node is left open. @throws the first failure, with the cost of all parts */
async function together<R extends Reply<unknown>>(parts: readonly Promise<R>[]): Promise<R[]> {
  const settled = await Promise.allSettled(parts)
  const failed = settled.find((part) => part.status === 'rejected')
  const replies = settled.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []))
  if (failed === undefined) return replies
  const others = settled.flatMap((part) =>
    part.status === 'rejected' && part !== failed ? [toReply(undefined, takeCost(part.reason))] : [],
  )
  throw withCost(failed.reason, merged<unknown, undefined>([...replies, ...others], () => undefined).cost)
}

/** Sweeps one node after the other. A batch goes over from one node to the next, so batch and time budget mean the same as for one store. */
async function sweepNodes(nodes: readonly Store[], scope: Scope, input: SweepInput): Promise<Reply<CleanupResult>> {
  const startedAt = now()
  const waiting = [...nodes]
  let removed = 0
  let evicted: number | undefined
  let isLeft = false
  let cost = noCost()
  const result = (more: boolean): Reply<CleanupResult> => ({
    value: { removed, ...(evicted === undefined ? {} : { evicted }), more },
    cost,
  })
  for (const { size } of inBatches({ size: () => input.batch, isOver: timeLimit(input) })) {
    let room = size
    for (let node = waiting[0]; node !== undefined && room > 0; node = waiting[0]) {
      const timeBudget = Math.max(0, input.timeBudget - (now() - startedAt))
      const swept = await sweepBatch(node, scope, { ...input, batch: room, timeBudget, onProgress: undefined })
      cost = addCosts(cost, swept.cost)
      removed += swept.value.removed
      room -= swept.value.removed
      if (swept.value.evicted !== undefined) evicted = (evicted ?? 0) + swept.value.evicted
      // A node that had to evict leaves the rest to the next run, as it would by itself.
      if (swept.value.more && swept.value.evicted) isLeft = true
      else if (swept.value.more) break
      waiting.shift()
    }
    input.onProgress?.(removed)
    if (waiting.length === 0) return result(isLeft)
  }
  return result(true)
}

/** Sweeps one batch of a node. */
async function sweepBatch(node: Store, scope: Scope, input: SweepInput): Promise<Reply<CleanupResult>> {
  const first = await node.sweep(scope, { ...input, timeBudget: 0 })
  const { more, removed, evicted } = first.value
  // It looked at a part in which there is nothing to remove. Only a run with a time budget goes on from there.
  if (!more || removed > 0 || evicted) return first
  const second = await node.sweep(scope, input)
  return { value: second.value, cost: addCosts(first.cost, second.cost) }
}
