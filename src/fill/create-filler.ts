/** `createFiller`: the whole of `getOrSet` for a store of your own. */
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
  /**
   * Gives the lease back without storing, if the token still holds it.
   *
   * @param backoffMs the milliseconds for which no caller with a stale entry claims the lease; 0 for none. A store may ignore it.
   */
  release(key: string, token: string, cost: Cost, backoffMs?: number): void | Promise<void>
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

/** Stands for the answer of a store that failed softly. */
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
      // `cost` is complete, so a cost that the error already carries would count twice.
      takeCost(reply.failure)
      throw withCost(reply.failure, reply.cost)
    },
    fill: (request) => send((cost) => store.fill(request, cost), false),
    release: (key, token, backoffMs) => send((cost) => store.release(key, token, cost, backoffMs), undefined),
  }
}
