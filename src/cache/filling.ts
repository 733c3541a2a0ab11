/** The methods of a cache that fill entries. */
import type { Cache, GetOrSetOptions } from '../cache.ts'
import type { FillRequests } from '../fill/calls.ts'
import { NOTHING_FOUND } from '../fill/create-filler.ts'
import { keepingRequests } from '../fill/keeping.ts'
import { isStoreFailure } from '../fill/leader.ts'
import { takeCost } from '../values/errors.ts'
import { storedKey } from '../values/key.ts'
import type { ScopedEngine } from './engine.ts'
import type { GetOrSetKeeping, Refresh } from './internals.ts'

/** `onError: 'miss'` for fills: a claim that fails gets a reply with `failure`, and the call computes without a lease. */
export function fillSoftly(requests: FillRequests): FillRequests {
  return {
    async readOrClaim(request) {
      try {
        return await requests.readOrClaim(request)
      } catch (error) {
        if (!isStoreFailure(error)) throw error
        return { value: NOTHING_FOUND, cost: takeCost(error), failure: error }
      }
    },
    fill: (request) => requests.fill(request),
    release: (key, token) => requests.release(key, token),
  }
}

export function filling({ filler, scope, store, codec, failsSoft }: ScopedEngine) {
  const refresh: Refresh = async (key, compute, options) =>
    (await filler.refresh(key, storedKey(scope, key), compute, options)).value
  const getOrSetKeeping: GetOrSetKeeping = async (key, compute, options, keep, news) => {
    const keeping = keepingRequests(store, codec, keep, news)
    const requests = failsSoft ? fillSoftly(keeping) : keeping
    return (await filler.getOrSet(key, storedKey(scope, key), compute, options, requests)).value
  }
  return {
    refresh,
    getOrSetKeeping,
    getOrSet: (async (key: string, compute: unknown, options?: GetOrSetOptions) =>
      (await filler.getOrSet(key, storedKey(scope, key), compute, options)).value) as Cache['getOrSet'],
  }
}
