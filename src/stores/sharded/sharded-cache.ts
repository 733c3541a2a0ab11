/** `shardedCache`: distributes keys over several caches. */
import { cacheOn, checkedOnError } from '../../cache/build-cache.ts'
import { checkedCache } from '../../cache/checked-cache.ts'
import { engineOf, type Foundation } from '../../cache/engine.ts'
import { scopeOf } from '../../cache/settings.ts'
import type { Cache, NamespaceOptions } from '../../cache.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { ROOT, storedKey } from '../../values/key.ts'
import { optionsObject, wholeNumber } from '../../values/options.ts'
import { foundationOf } from '../third-party/foundation.ts'
import { nodeStore } from './node-store.ts'
import { createRendezvous } from './rendezvous.ts'
import { sharedSettings } from './settings.ts'
import { shardedStore } from './sharded-store.ts'

/** Options of {@link shardedCache}. */
export interface ShardedCacheOptions<Name extends string = string> {
  /**
   * The nodes by name. The name decides which keys a node has, so keep the name when a node moves. The order is
   * irrelevant.
   */
  nodes: Record<Name, Cache>
  /** How many shares of the keys each node has, 1 to 100. Default 1. */
  weights?: Partial<Record<NoInfer<Name>, number>> | undefined
  /**
   * The scope of all keys, and of `clear()`, `count()`, `stats()` and `list()`. At most 128 bytes in UTF-8. Default:
   * none, so these methods see every namespace of the nodes.
   */
  namespace?: string | undefined
  /**
   * How the cache handles an unreachable node. With `'throw'`, the default, the call rejects, unless that node itself
   * has `onError: 'miss'`. With `'miss'`, the node's keys are misses and are not stored, as with `onError: 'miss'` of a
   * single cache.
   */
  onError?: 'throw' | 'miss' | undefined
}

/** A cache over several nodes. It also tells which node has a key. */
export interface ShardedCache<Name extends string = string> extends Cache {
  /** Returns the name of the node that has a key. @throws InvalidKeyError */
  getNode(key: string): Name
  /** Counts keys by node, for example to see the effect of other nodes or weights before you use them. */
  distribution(keys: Iterable<string>): Record<Name, number>
  /**
   * Returns the cache of a namespace nested in this one, over the same nodes.
   *
   * @throws InvalidKeyError, InvalidOptionError; thrown synchronously
   */
  namespace(name: string, options?: NamespaceOptions): ShardedCache<Name>
}

const MAX_WEIGHT = 100

/**
 * Creates one cache over several nodes. Each node is a cache that has a share of the keys.
 *
 * Rendezvous hashing finds the node of a key. A new node takes about 1/N of the keys, evenly from all others, and no
 * other key moves. A key that moved is a miss at its new node, and its old entry expires. Nothing is copied between
 * nodes, so while a node is down, its share of the keys is missing.
 *
 * Batches, `clear`, `clearExpired`, `count`, `stats`, `list` and `invalidate` call all nodes at once. If some nodes
 * fail, the others still do their part, and the call rejects with a `NodesError`. A batch is atomic on each node, but
 * not across nodes.
 *
 * Each node keeps its namespace, codec, default expiration, timeout and `onError`. If the default expirations differ, a
 * sliding `getOrSet` must pass an `expiration`. The first node's `slack` applies.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * const cache = shardedCache({ nodes: { eu: createCache(eu), us: createCache(us) }, weights: { us: 2 } })
 */
export function shardedCache<Name extends string>(options: ShardedCacheOptions<Name>): ShardedCache<Name> {
  const known = ['nodes', 'weights', 'namespace', 'onError'] as const
  const { nodes, weights, namespace, onError } = optionsObject<ShardedCacheOptions<Name>>(options, known)
  const failsSoft = checkedOnError(onError) === 'miss'
  const foundations = new Map(Array.from(checkedNodes(nodes), ([name, cache]) => [name, foundationOf(cache)]))
  const locate = createRendezvous(checkedWeights([...foundations.keys()], weights))
  const stores = Array.from(foundations, ([name, node]) => [name, nodeStore(node, failsSoft)] as const)
  const cache = cacheOn({
    ...sharedSettings(foundations, locate),
    store: shardedStore({ stores: new Map(stores), locate }),
    scope: namespace === undefined ? ROOT : scopeOf(namespace),
  })
  return withNodes<Name>(cache, locate, [...foundations.keys()] as Name[])
}

function withNodes<Name extends string>(
  cache: Cache,
  locate: (storedKey: string) => string,
  names: readonly Name[],
): ShardedCache<Name> {
  const { scope } = engineOf(cache) as Foundation
  const getNode = (key: string) => locate(storedKey(scope, key)) as Name
  return {
    ...cache,
    getNode,
    distribution(keys) {
      const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
      for (const key of keys) counts[getNode(key)]++
      return counts
    },
    namespace: (...args) => withNodes(cache.namespace(...args), locate, names),
  }
}

function checkedNodes(nodes: unknown): Map<string, Cache> {
  if (typeof nodes !== 'object' || nodes === null || Object.keys(nodes).length === 0) {
    throw new InvalidOptionError(`Expected nodes to be an object of at least one cache, got ${describeType(nodes)}.`)
  }
  return new Map(Object.entries(nodes).map(([name, cache]) => [name, checkedCache(cache, 'each of the nodes')]))
}

function checkedWeights(names: readonly string[], weights: object = {}): Map<string, number> {
  const given = optionsObject<Record<string, number>>(weights as Record<string, number>, names)
  // Read own fields only, because a node may be called `constructor`.
  const weightOf = (name: string) => (Object.hasOwn(given, name) ? given[name] : undefined) ?? 1
  return new Map(names.map((name) => [name, wholeNumber('a weight', weightOf(name), 1, MAX_WEIGHT)]))
}
