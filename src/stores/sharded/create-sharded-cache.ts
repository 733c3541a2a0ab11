/** `shardedCache`: keys spread over several stores. */

import { exactCache } from '../../cache/exact-arguments.ts'
import { type Inside, internals, internalsOf } from '../../cache/internals.ts'
import { scopeOf } from '../../cache/settings.ts'
import type { Cache, NamespaceOptions } from '../../cache.ts'
import { DEFAULT_TIMEOUT_MS } from '../../values/defaults.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { nestedScope } from '../../values/key.ts'
import { optionsObject, wholeNumber } from '../../values/options.ts'
import { checkedCache } from '../delegate.ts'
import { type Context, nodeName } from './context.ts'
import { createRendezvous } from './rendezvous.ts'
import { several } from './several.ts'
import { single } from './single.ts'

export interface ShardedCacheOptions<Name extends string = string> {
  /** Stores by name. Names, and not their order, say which keys a node has: keep them when a node moves. */
  nodes: Record<Name, Cache>
  /** How many times its share a node has, 1 to 100; default 1. */
  weights?: Partial<Record<NoInfer<Name>, number>> | undefined
  /** Every key, `clear()`, `count()`, `stats()` and `list()` is scoped to it. At most 128 bytes. */
  namespace?: string | undefined
  /**
   * What it means to `getMany` and `setMany` that a node's database is away: an error once the other nodes are done (the
   * default), or that its keys are missing, and not stored. All else is never pretended; of single keys, the node's own
   * `onError` decides.
   */
  onError?: 'throw' | 'miss' | undefined
}

export interface ShardedCache<Name extends string = string> extends Cache {
  /** The node that has a key. @throws InvalidKeyError */
  getNode(key: string): Name
  /** How many of some keys each node has: what a change of nodes or weights would do, before it is made. */
  distribution(keys: Iterable<string>): Record<Name, number>
  namespace(name: string, options?: NamespaceOptions): ShardedCache<Name>
}

const MAX_WEIGHT = 100

/**
 * One cache over several, each of which has its share of the keys.
 *
 * A key's node is found by rendezvous hashing: a node that is added takes about 1/N of the keys, alike from all others,
 * and nothing else moves; what moved is a miss at its new node, and expires at its old one. Nothing is copied, and a node
 * that is away takes its share of the keys with it. Batches, `clear`, `count`, `stats`, `list` and `invalidate` ask all
 * nodes at once; `clearExpired` asks one after the other. A batch is atomic on each node, and not over all.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * const cache = shardedCache({ nodes: { eu: createCache(eu), us: createCache(us) }, weights: { us: 2 } })
 */
export function shardedCache<Name extends string>(options: ShardedCacheOptions<Name>): ShardedCache<Name> {
  const known = ['nodes', 'weights', 'namespace', 'onError'] as const
  const { nodes, weights, namespace, onError = 'throw' } = optionsObject<ShardedCacheOptions<Name>>(options, known)
  if (onError !== 'throw' && onError !== 'miss') {
    throw new InvalidOptionError(`Expected onError to be 'throw' or 'miss', got ${describeType(onError)}.`)
  }
  const caches = checkedNodes(nodes)
  const locate = createRendezvous(checkedWeights([...caches.keys()], weights))
  const inScope =
    namespace === undefined
      ? [...caches]
      : [...caches].map(([name, cache]) => [name, cache.namespace(namespace)] as const)
  return scopedCache<Name>({ nodes: new Map(inScope), scope: scopeOf(namespace), locate, onError })
}

function scopedCache<Name extends string>(context: Context): ShardedCache<Name> & Inside {
  const { nodes, scope } = context
  const { refresh, getOrSetKeeping, defaultExpiration, ...one } = single(context)
  const { prepareMany, rows, copies, ...many } = several(context)
  const inside = [...nodes.values()].map(internalsOf)
  const getNode = (key: string) => nodeName(context, key) as Name
  return exactCache({
    ...one,
    ...many,
    getNode,
    distribution(keys) {
      const counts = Object.fromEntries([...nodes.keys()].map((name) => [name, 0])) as Record<Name, number>
      for (const key of keys) counts[getNode(key)]++
      return counts
    },
    namespace(name, options) {
      const nested = nestedScope(scope, name, options)
      const inScope = [...nodes].map(([node, cache]) => [node, cache.namespace(name, options)] as const)
      return scopedCache({ ...context, nodes: new Map(inScope), scope: nested })
    },
    [internals]: {
      ...{ prepareMany, refresh, rows, copies, getOrSetKeeping, defaultExpiration },
      hidesTags: inside.some(({ hidesTags }) => hidesTags),
      timeoutMs: Math.max(...inside.map(({ timeoutMs = DEFAULT_TIMEOUT_MS }) => timeoutMs)),
    },
  })
}

function checkedNodes(nodes: unknown): Map<string, Cache> {
  if (typeof nodes !== 'object' || nodes === null || Object.keys(nodes).length === 0) {
    throw new InvalidOptionError(`Expected nodes to be an object of at least one cache, got ${describeType(nodes)}.`)
  }
  return new Map(Object.entries(nodes).map(([name, cache]) => [name, checkedCache(cache, 'each of the nodes')]))
}

function checkedWeights(names: readonly string[], weights: object = {}): Map<string, number> {
  const given = optionsObject<Record<string, number>>(weights as Record<string, number>, names)
  return new Map(names.map((name) => [name, wholeNumber('a weight', given[name] ?? 1, 1, MAX_WEIGHT)]))
}
