/** Combines several stores into one. Each key belongs to one node. */
import { leaseIdentity } from '../../store/lease-identity.ts'
import type { Item, MaybePromise, Reply, Store } from '../../store/store.ts'
import { joinReplies, settleNodes, sum } from './fan-out.ts'
import { countingOfNode, joinPages, sumStats } from './joined.ts'
import { joinPositions, joinSnapshots, partOf } from './snapshots.ts'
import { sweepNodes } from './sweep-nodes.ts'

export interface Nodes {
  /** The stores by name, in the order in which they were given. */
  readonly stores: ReadonlyMap<string, Store>
  /** Returns the node of a stored key. */
  readonly locate: (key: string) => string
}

export function shardedStore({ stores, locate }: Nodes): Store {
  const at = (key: string) => stores.get(locate(key)) as Store
  const asOfFor = (asOf: string | null, node: string) => (asOf === null ? null : partOf(asOf, node))

  /** Groups items by the node of their key. Each group keeps the order of the items. */
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
    settleNodes(Array.from(stores, ([name, store]) => [name, (async () => call(store, name))()] as const))
  const nodesOf = <T, R>(
    groups: [string, T[]][],
    call: (store: Store, items: T[], node: string) => MaybePromise<Reply<R>>,
  ) =>
    settleNodes(
      groups.map(([node, items]) => [node, (async () => call(stores.get(node) as Store, items, node))()] as const),
    )

  const members = [...stores.values()]
  return {
    isLocal: false,
    isInTransaction: members.some(({ isInTransaction }) => isInTransaction),
    ...(members.some(({ position }) => position !== undefined) ? { position: () => joinPositions(stores) } : {}),
    readLocal: (key) => at(key).readLocal?.(key),
    leaseIdentity: (key) => leaseIdentity(at(key), key),
    // Drop `changes`: each node has its own change log, and no cursor covers all logs.
    read: (key, options) => at(key).read(key, { ...options, changes: undefined }),
    async readMany(keys, options) {
      const own = { ...options, changes: undefined }
      const groups = byNode(keys, (key) => key)
      return joinReplies(
        await nodesOf(groups, (store, part) => store.readMany(part, own)),
        (rows) => new Map(rows.flatMap((part) => [...part])),
      )
    },
    has: (key) => at(key).has(key),
    deadline: (key) => at(key).deadline(key),
    async write(items, input) {
      const groups = byNode<Item>(items, ({ key }) => key)
      return joinReplies(
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
      return joinReplies(await nodesOf(groups, (store, part) => store.remove(part)), sum, true)
    },
    take: (key) => at(key).take(key),
    clear: async (scope) => joinReplies(await everywhere((store) => store.clear(scope)), sum, true),
    sweep: (scope, input) => sweepNodes(stores, scope, input),
    invalidate: async (tags) => joinReplies(await everywhere((store) => store.invalidate(tags)), () => undefined),
    async snapshot() {
      const names = [...stores.keys()]
      return joinReplies(await everywhere((store) => store.snapshot()), (parts) =>
        joinSnapshots(new Map(parts.map((part, i) => [names[i] ?? '', part]))),
      )
    },
    async size(scope, input) {
      const forNode = input && countingOfNode(input)
      return joinReplies(await everywhere((store) => store.size(scope, forNode?.())), sum, true)
    },
    async stats(scope, input) {
      const forNode = input && countingOfNode(input)
      return joinReplies(await everywhere((store) => store.stats(scope, forNode?.())), sumStats, true)
    },
    list: async (scope, input) => joinPages(await everywhere((store) => store.list(scope, input)), input.limit),
    readOrClaim: (request) => at(request.key).readOrClaim({ ...request, changes: undefined }),
    fill: (request) => at(request.key).fill({ ...request, asOf: asOfFor(request.asOf, locate(request.key)) }),
    release: (key, token, backoffMs) => at(key).release(key, token, backoffMs),
  }
}
