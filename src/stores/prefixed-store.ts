/** Adds a hidden prefix to all keys of a store, such as the namespace of a node or a first tier. */
import type { ListInput } from '../store/inputs.ts'
import { leaseIdentity } from '../store/lease-identity.ts'
import type { Item, Store } from '../store/store.ts'
import { byCodePoint, type KeyRange, prefixedKey, type Scope } from '../values/key.ts'

/** @param prefix the prefix of a scope, such as `shop|` */
export function prefixedStore(store: Store, prefix: string): Store {
  if (prefix === '') return store
  const at = (key: string) => prefixedKey(prefix, key)
  const withPrefix = <T extends { readonly key: string }>(item: T): T => ({ ...item, key: at(item.key) })
  const inScope = ({ prefix: own, names }: Scope): Scope => ({ prefix: prefix + own, names })
  const rangeAt = ({ from, to }: KeyRange): KeyRange => ({ from: prefix + from, to: prefix + to })
  // Sort again, because a key that became too long is hashed, which can change the order.
  const sortItems = (items: readonly Item[]) => items.map(withPrefix).sort((a, b) => byCodePoint(a.key, b.key))
  return {
    ...store,
    ...(store.readLocal === undefined ? {} : { readLocal: (key: string) => store.readLocal?.(at(key)) }),
    leaseIdentity: (key) => leaseIdentity(store, at(key)),
    read: (key, options) => store.read(at(key), options),
    async readMany(keys, options) {
      const names = new Map(keys.map((key) => [at(key), key]))
      const reply = await store.readMany([...names.keys()], options)
      return { ...reply, value: new Map(Array.from(reply.value, ([key, row]) => [names.get(key) ?? '', row])) }
    },
    has: (key) => store.has(at(key)),
    deadline: (key) => store.deadline(at(key)),
    write: (items, input) => store.write(sortItems(items), input),
    add: (item, input) => store.add(withPrefix(item), input),
    touch: (key, deadline) => store.touch(at(key), deadline),
    count: (key, input) => store.count(at(key), input),
    limit: (key, rule) => store.limit(at(key), rule),
    remove: (keys) => store.remove(keys.map(at).sort(byCodePoint)),
    take: (key) => store.take(at(key)),
    clear: (scope) => store.clear(inScope(scope)),
    sweep: (scope, input) => store.sweep(inScope(scope), input),
    size: (scope, input) => store.size(inScope(scope), input),
    stats: (scope, input) => store.stats(inScope(scope), input),
    async list(scope, { range, after, ...input }: ListInput) {
      const own = { ...input, range: rangeAt(range), after: after === '' ? '' : prefix + after }
      const reply = await store.list(inScope(scope), own)
      const outside = (key: string) => key.slice(prefix.length)
      return {
        ...reply,
        value: reply.value.map((row) => ({ ...row, key: outside(row.key) })),
        ...(reply.next === undefined ? {} : { next: outside(reply.next) }),
      }
    },
    readOrClaim: (request) => store.readOrClaim(withPrefix(request)),
    fill: (request) => store.fill(withPrefix(request)),
    release: (key, token, backoffMs) => store.release(at(key), token, backoffMs),
    // A local store must be synchronous, and two of the methods above are not.
    isLocal: false,
  }
}
