/** Makes the store of a node, as the sharded store calls it. */
import { createCircuit } from '../../cache/circuit.ts'
import type { Foundation } from '../../cache/engine.ts'
import { failSoft } from '../../cache/fail-soft.ts'
import { leaseIdentity } from '../../store/lease-identity.ts'
import type { Store } from '../../store/store.ts'
import type { Deadline } from '../../values/expiration.ts'
import { prefixedStore } from '../prefixed-store.ts'
import { CACHE_DEFAULT } from '../third-party/expirations.ts'

/**
 * Makes the store of a node, within the node's namespace and with the node's default expiration.
 *
 * Each node has its own circuit breaker, so that a node that is down does not open the circuit of the others. Inside a
 * transaction of the caller, a failure has aborted the transaction, so it is never absorbed.
 */
export function nodeStore({ store, scope, expiration, failsSoft }: Foundation, mustFailSoft: boolean): Store {
  const own = withDefault(prefixedStore(store, scope.prefix), expiration)
  return mustFailSoft && !failsSoft && store.isInTransaction !== true ? failSoft(own, createCircuit()) : own
}

/** Returns the same store, in which writes without an expiration get the node's default. */
function withDefault(store: Store, expiration: Deadline): Store {
  if (expiration === CACHE_DEFAULT) return store
  const resolve = <T extends { readonly deadline: Deadline }>(input: T): T =>
    input.deadline === CACHE_DEFAULT ? { ...input, deadline: expiration } : input
  return {
    ...store,
    leaseIdentity: (key) => leaseIdentity(store, key),
    write: (items, input) => store.write(items, resolve(input)),
    add: (item, input) => store.add(item, resolve(input)),
    touch: (key, deadline) => store.touch(key, resolve({ deadline }).deadline),
    count: (key, input) => store.count(key, resolve(input)),
    fill: (request) => store.fill(resolve(request)),
  }
}
