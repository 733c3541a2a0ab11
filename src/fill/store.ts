/** What a store must be able to do for `getOrSet`: three steps, each atomic. All else is the same for every store. */
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../store/claims.ts'
import type { Cost } from '../values/events.ts'

/**
 * The three steps of a fill, implemented by a store.
 *
 * `cost` is the caller's: a store that sends requests adds what each cost. A step that rejects counts as a failure of the
 * store, which `onError: 'miss'` computes around.
 */
export interface FillStore {
  /** Answers with the entry; where none is live, claims the lease of the key for `token` if nobody else holds it. */
  readOrClaim(request: ClaimRequest, cost: Cost): ClaimAnswer | Promise<ClaimAnswer>
  /**
   * Stores the value if the token's lease still stands, and gives the lease back. False: refused, because since the claim
   * the entry was written or removed, the lease was taken over or broken, or one of the tags was invalidated.
   */
  fill(request: FillRequest, cost: Cost): boolean | Promise<boolean>
  /** Gives the lease back without storing, if the token still holds it. */
  release(key: string, token: string, cost: Cost): void | Promise<void>
}
