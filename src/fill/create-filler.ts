/** `createFiller`: a complete `getOrSet` for your own store. */
import type { GetOrSetOptions } from '../cache.ts'
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../store/claims.ts'
import type { Reply } from '../store/store.ts'
import { DEFAULT_MAX_VALUE_BYTES, jsonCodec } from '../values/codec.ts'
import { DEFAULT_SLACK, DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { takeCost, withCost } from '../values/errors.ts'
import { type Cost, noCost } from '../values/events.ts'
import { NEVER } from '../values/expiration.ts'
import { randomNumber } from '../values/random.ts'
import type { FillRequests, FillSettings } from './calls.ts'
import { createFillEngine } from './get-or-set.ts'
import { isStoreFailure } from './leader.ts'

/**
 * The three steps of a fill, implemented by a store. Each step must be atomic.
 *
 * A store that sends requests adds the cost of each request to `cost`. If a step rejects, the store has failed. With
 * `onError: 'miss'`, the call then computes without the store.
 */
export interface FillStore {
  /** Returns the entry. If no entry is live, claims the lease of the key for `token`, unless another token holds it. */
  readOrClaim(request: ClaimRequest, cost: Cost): ClaimAnswer | Promise<ClaimAnswer>
  /**
   * Stores the value if the token still holds the lease, and releases the lease.
   *
   * Returns false, without storing, in three cases. The entry was written or removed since the claim. The lease was
   * taken over or broken. One of the tags was invalidated.
   */
  fill(request: FillRequest, cost: Cost): boolean | Promise<boolean>
  /**
   * Releases the lease without storing, if the token still holds it.
   *
   * @param backoffMs how many milliseconds no caller with a stale entry may claim the lease; 0 for none. A store may
   *   ignore it.
   */
  release(key: string, token: string, cost: Cost, backoffMs?: number): void | Promise<void>
}

/** The settings of {@link createFiller}. */
export interface FillEnvironment extends FillSettings {
  /**
   * How a failure of the store is handled. `'throw'`, the default: the call rejects. `'miss'`: the call computes
   * without the store.
   */
  readonly onError: 'throw' | 'miss'
}

/** The functions that {@link createFiller} returns. */
export interface Filler {
  /**
   * Returns the stored value, or computes and stores it.
   *
   * @param key the caller's key
   * @param storedKey the key under which the store holds the value, including the namespace
   */
  getOrSet(key: string, storedKey: string, compute: unknown, options?: GetOrSetOptions): Promise<unknown>
  /**
   * Computes although an entry is live, and stores the value unless a write overtakes it. It first waits for a
   * computation that is under way. If that takes longer than `lease`, the call returns its value without storing it.
   */
  refresh(key: string, storedKey: string, compute: unknown, options?: GetOrSetOptions): Promise<unknown>
  /**
   * Call this after each write of the keys in this process, so that later calls do not wait for values that are
   * outdated.
   */
  detach(storedKeys: readonly string[] | 'all'): void
}

/** The stand-in for the answer of a store whose failure was absorbed. */
export const NOTHING_FOUND: ClaimAnswer = { entry: undefined, claimed: 'unavailable', heldMs: undefined }

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
 * Creates `getOrSet` for your own store. The caches of pgstash use the same implementation.
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

/** Adapts the steps of a store to the engine, which expects the cost in each reply. */
function toRequests(store: FillStore, failsSoft: boolean): FillRequests {
  async function send<T>(step: (cost: Cost) => T | Promise<T>, standIn: T): Promise<Reply<T>> {
    const cost = noCost()
    try {
      return { value: await step(cost), cost }
    } catch (failure) {
      return { value: standIn, cost, failure }
    }
  }
  return {
    async readOrClaim(request) {
      const reply = await send((cost) => store.readOrClaim(request, cost), NOTHING_FOUND)
      if (!('failure' in reply) || (failsSoft && isStoreFailure(reply.failure))) return reply
      // Take the cost that the error carries: `cost` already includes it.
      takeCost(reply.failure)
      throw withCost(reply.failure, reply.cost)
    },
    fill: (request) => send((cost) => store.fill(request, cost), false),
    release: (key, token, backoffMs) => send((cost) => store.release(key, token, cost, backoffMs), undefined),
  }
}
