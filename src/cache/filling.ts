/** `getOrSet`: the store's three steps of a fill, as `src/fill` calls them. */
import type { Cache, GetOrSetOptions } from '../cache.ts'
import type { FillStore } from '../fill/store.ts'
import type { MaybePromise, Reply, Store } from '../store/store.ts'
import { takeCost } from '../values/errors.ts'
import { addCosts, type Cost } from '../values/events.ts'
import { storedKey } from '../values/key.ts'
import type { ScopedEngine } from './engine.ts'

/** A store's steps of a fill. Each adds its own cost to the cost that the caller passes in. */
export function fillSteps(store: Store): FillStore {
  function step<T>(cost: Cost, run: () => MaybePromise<Reply<T>>): MaybePromise<T> {
    if (store.isLocal !== true) return sent(cost, run)
    // A local store answers at once and costs nothing. One that promises an answer all the same gets the time it needs.
    const reply = run()
    return reply instanceof Promise ? sent(cost, () => reply) : reply.value
  }
  async function sent<T>(cost: Cost, run: () => MaybePromise<Reply<T>>): Promise<T> {
    try {
      const reply = await run()
      Object.assign(cost, addCosts(cost, reply.cost))
      if (reply.failure !== undefined) throw reply.failure
      return reply.value
    } catch (error) {
      Object.assign(cost, addCosts(cost, takeCost(error)))
      throw error
    }
  }
  return {
    readOrClaim: (request, cost) => step(cost, () => store.readOrClaim(request)),
    fill: (request, cost) => step(cost, () => store.fill(request)),
    release: (key, token, cost) => step(cost, () => store.release(key, token)),
  }
}

export function getOrSet({ filler, scope }: ScopedEngine): Cache['getOrSet'] {
  return (async (key: string, compute: unknown, options?: GetOrSetOptions) =>
    (await filler.getOrSet(key, storedKey(scope, key), compute, options)).value) as Cache['getOrSet']
}
