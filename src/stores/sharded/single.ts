/** Operations on one key: its node's. */

import { exactEntry } from '../../cache/exact-arguments.ts'
import { type GetOrSetKeeping, internalsOf } from '../../cache/internals.ts'
import type { Cache, Fill, GetOrSetOptions, WriteOptions } from '../../cache.ts'
import { type Context, nodeCache, nodeName, optionsFor } from './context.ts'

/** Those whose first argument is the key, and whose others the node understands as they are. */
const PLAIN = ['get', 'has', 'touch', 'increment', 'decrement', 'limit', 'pull', 'delete', 'expiration'] as const

type Plain = Pick<Cache, (typeof PLAIN)[number]>
type Method = (...args: unknown[]) => unknown

export function single(context: Context) {
  const at = (key: string) => nodeCache(context, nodeName(context, key))
  const plain = PLAIN.map((method) => {
    const call = async (key: string, ...rest: unknown[]) => (at(key)[method] as Method)(key, ...rest)
    return [method, call] as const
  })
  return {
    ...(Object.fromEntries(plain) as unknown as Plain),
    async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
      const name = nodeName(context, key)
      return nodeCache(context, name).set(key, value, optionsFor(options, name))
    },
    async add(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
      const name = nodeName(context, key)
      return nodeCache(context, name).add(key, value, optionsFor(options, name))
    },
    getOrSet: (async (key: string, compute: unknown, options?: GetOrSetOptions) => {
      const name = nodeName(context, key)
      return nodeCache(context, name).getOrSet(key, compute, optionsFor(options, name))
    }) as Cache['getOrSet'],
    async refresh(key: string, compute: (fill: Fill) => unknown, options?: GetOrSetOptions): Promise<unknown> {
      const name = nodeName(context, key)
      return internalsOf(nodeCache(context, name)).refresh(key, compute, optionsFor(options, name))
    },
    getOrSetKeeping: (async (key, compute, options, keep) => {
      const name = nodeName(context, key)
      return internalsOf(nodeCache(context, name)).getOrSetKeeping(key, compute, optionsFor(options, name), keep)
    }) satisfies GetOrSetKeeping,
    defaultExpiration: (key: string) => internalsOf(at(key)).defaultExpiration(key),
    entry: <T>(key: string) => {
      const name = nodeName(context, key)
      const handle = nodeCache(context, name).entry<T>(key)
      return exactEntry({
        exists: () => handle.exists(),
        value: () => handle.value(),
        set: async (value: T, options?: WriteOptions) => handle.set(value, optionsFor(options, name)),
        delete: () => handle.delete(),
        reload: () => handle.reload(),
      })
    },
  }
}
