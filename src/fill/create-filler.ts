/** `createFiller`: the whole of `getOrSet` for a store of your own. */
import type { GetOrSetOptions } from '../cache.ts'
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../store/claims.ts'
import type { Reply } from '../store/store.ts'
import { DEFAULT_MAX_VALUE_BYTES, jsonCodec } from '../values/codec.ts'
import { DEFAULT_SLACK, DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { InvalidOptionError, takeCost, withCost } from '../values/errors.ts'
import { type Cost, noCost } from '../values/events.ts'
import { NEVER } from '../values/expiration.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { randomNumber } from '../values/random.ts'
import type { FillRequests, FillSettings } from './calls.ts'
import { createFillEngine } from './get-or-set.ts'

/**
 * The three steps of a fill, implemented by a store. Each step must be atomic.
 *
 * A store that sends requests adds the cost of each to `cost`. A step that rejects is a failure of the store: with
 * `onError: 'miss'`, the call computes without it.
 */
export interface FillStore {
  /** Answers with the entry. If none is live, claims the lease of the key for `token`, unless another token holds it. */
  readOrClaim(request: ClaimRequest, cost: Cost): ClaimAnswer | Promise<ClaimAnswer>
  /**
   * Stores the value if the token's lease still stands, and gives the lease back. False if the entry was written or removed
   * since the claim, the lease was taken over or broken, or one of the tags was invalidated.
   */
  fill(request: FillRequest, cost: Cost): boolean | Promise<boolean>
  /** Gives the lease back without storing, if the token still holds it. */
  release(key: string, token: string, cost: Cost): void | Promise<void>
}

export interface FillEnvironment extends FillSettings {
  /** If the store fails, the call rejects with `'throw'`, and computes without the store with `'miss'`. */
  readonly onError: 'throw' | 'miss'
}

export interface Filler {
  /**
   * @param key the caller's key
   * @param storedKey the key as the store knows it, namespace included
   */
  getOrSet(key: string, storedKey: string, compute: unknown, options?: GetOrSetOptions): Promise<unknown>
  /**
   * Computes although an entry is live, after any computation that is under way, and stores the value unless a write
   * overtakes it. A call that waited for longer than `lease` returns its value without storing it.
   */
  refresh(key: string, storedKey: string, compute: unknown, options?: GetOrSetOptions): Promise<unknown>
  /** Call this after each write of the keys in this process: later calls then do not wait for values that will not be stored. */
  detach(storedKeys: readonly string[] | 'all'): void
}

const DEFAULTS: FillEnvironment = {
  codec: jsonCodec,
  maxValueBytes: DEFAULT_MAX_VALUE_BYTES,
  expiration: NEVER,
  slack: DEFAULT_SLACK,
  timeoutMs: DEFAULT_TIMEOUT_MS,
  onError: 'throw',
  waitUntil: undefined,
  random: randomNumber,
  emit: undefined,
}

/**
 * `getOrSet` for a store of your own, as the caches of pgstash have it.
 *
 * @example
 * const filler = createFiller({ readOrClaim, fill, release }, { onError: 'miss' })
 * const getOrSet = (key, compute, options) => filler.getOrSet(key, key, compute, options)
 */
export function createFiller(store: FillStore, options: Partial<FillEnvironment> = {}): Filler {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const { onError, ...settings }: FillEnvironment = { ...DEFAULTS, ...Object.fromEntries(given) }
  const engine = createFillEngine(toRequests(store, onError === 'miss'), settings)
  return {
    detach: engine.detach,
    async getOrSet(name, key, compute, callOptions) {
      return (await engine.getOrSet(name, key, compute, callOptions)).value
    },
    async refresh(name, key, compute, callOptions) {
      return (await engine.refresh(name, key, compute, callOptions)).value
    },
  }
}

/** The steps of a store as the engine sends them: the cost comes with each reply. */
function toRequests(store: FillStore, failsSoft: boolean): FillRequests {
  return {
    async readOrClaim(request) {
      const cost = noCost()
      try {
        return { value: await store.readOrClaim(request, cost), cost }
      } catch (error) {
        if (failsSoft) return toSoftReply(error, cost)
        // `cost` is complete, so a cost that the error already carries would count twice.
        takeCost(error)
        throw withCost(error, cost)
      }
    },
    async fill(request) {
      const cost = noCost()
      try {
        return { value: await store.fill(request, cost), cost }
      } catch (failure) {
        return { value: false, cost, failure }
      }
    },
    async release(key, token) {
      const cost = noCost()
      try {
        return { value: await store.release(key, token, cost), cost }
      } catch (failure) {
        return { value: undefined, cost, failure }
      }
    },
  }
}

/**
 * The reply to a `readOrClaim` that failed, with `onError: 'miss'`.
 *
 * @throws the error if it is not a failure of the store: a framework's signal, or an invalid option
 */
export function toSoftReply(error: unknown, cost: Cost): Reply<ClaimAnswer> {
  if (isFrameworkSignal(error) || error instanceof InvalidOptionError) throw error
  return { value: { entry: undefined, claimed: 'unavailable', heldMs: undefined }, cost, failure: error }
}
