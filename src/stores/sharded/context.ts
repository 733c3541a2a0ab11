/** What the parts of a sharded cache share. */
import type { Cache, CacheSnapshot } from '../../cache.ts'
import { isOutage } from '../../values/errors.ts'
import { type Scope, storedKey } from '../../values/key.ts'
import { checkedSnapshot } from '../../values/snapshot.ts'
import { partOf } from './snapshots.ts'

export interface Context {
  /** By name, in the order given; each already in the scope. */
  readonly nodes: ReadonlyMap<string, Cache>
  readonly scope: Scope
  /** The node of a stored key. */
  readonly locate: (storedKey: string) => string
  readonly onError: 'throw' | 'miss'
}

/** @throws InvalidKeyError */
export function nodeName({ scope, locate }: Context, key: string): string {
  return locate(storedKey(scope, key))
}

export function nodeCache({ nodes }: Context, name: string): Cache {
  return nodes.get(name) as Cache
}

/** Options for a node: a snapshot of all becomes its own. @throws InvalidOptionError */
export function optionsFor<T extends { asOf?: CacheSnapshot | undefined } | undefined>(options: T, node: string): T {
  const { asOf } = Object(options) as { asOf?: CacheSnapshot }
  if (asOf === undefined) return options
  checkedSnapshot(asOf)
  return { ...options, asOf: partOf(asOf, node) } as T
}

/** Waits for every part, so that a node that fails leaves no other's outcome open. @throws the first failure */
export async function together<T>(parts: Iterable<Promise<T>>): Promise<T[]> {
  const settled = await Promise.allSettled(parts)
  return settled.map((part) => {
    if (part.status === 'rejected') throw part.reason
    return part.value
  })
}

/** The same, where a database that is away is no failure: its part is missing. */
export async function spared<T>({ onError }: Context, parts: Iterable<Promise<T>>): Promise<T[]> {
  if (onError === 'throw') return together(parts)
  const none: T[] = []
  const forgiving = Array.from(parts, (part) =>
    part.then(
      (value) => [value],
      (error) => {
        if (!isOutage(error)) throw error
        return none
      },
    ),
  )
  return (await together(forgiving)).flat()
}

/** Items by the node of their key. @throws InvalidKeyError */
export function byNode<T>(context: Context, items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const name = nodeName(context, keyOf(item))
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [item])
    else group.push(item)
  }
  return groups
}
