/**
 * The steps of a fill over two tiers. Leases are in the second tier. A stored value leaves a copy in the first tier.
 */
import type { ChangeReader } from '../../store/changes.ts'
import { type ClaimAnswer, type ClaimRequest, type FillRequest, remainingMs } from '../../store/claims.ts'
import { type Reply, type Row, type Store, toReply } from '../../store/store.ts'
import { now } from '../../values/clock.ts'
import type { Copies } from './copies.ts'
import type { CopyGuard, CopyGuards } from './copy-guards.ts'

/** The most claims. It bounds the guards of computations that never end, for example in cancelled requests. */
const MAX_CLAIMS = 10_000

export interface FillTiers {
  readonly far: Store
  readonly copies: Copies
  readonly guards: CopyGuards
  readonly readerFor: (own: readonly CopyGuard[]) => ChangeReader | undefined
  readonly keepRow: (row: Row, guard: CopyGuard, ttlMs: number | undefined, sentAt: number) => Promise<void>
}

interface Claim {
  readonly guard: CopyGuard
  readonly ttlMs: number | undefined
}

export function filling({ far, copies, guards, readerFor, keepRow }: FillTiers) {
  /** The claims of this process by token. The guard of a claim stays open until the fill. */
  const claims = new Map<string, Claim>()

  function remember(token: string, claim: Claim): void {
    const [oldest] = claims.size >= MAX_CLAIMS ? claims.keys() : []
    if (oldest !== undefined) forgetClaim(oldest)
    forgetClaim(token)
    claims.set(token, claim)
  }

  function forgetClaim(token: string): Claim | undefined {
    const claim = claims.get(token)
    claims.delete(token)
    if (claim !== undefined) guards.close([claim.guard])
    return claim
  }

  /**
   * Returns the copy if it may answer. Only the second tier can decide on an early refresh or a move of the deadline.
   */
  async function copyFor({ key, early, force, sliding, forCopy }: ClaimRequest): Promise<Row | undefined> {
    if (force || early > 0) return undefined
    if (sliding !== undefined && !(await copies.canSlide(key, sliding.ttlMs))) return undefined
    return copies.read(key, { forCopy })
  }

  async function readOrClaim(request: ClaimRequest): Promise<Reply<ClaimAnswer>> {
    const copy = await copyFor(request)
    if (copy !== undefined) return toReply({ entry: { ...copy, state: 'live' }, claimed: false, heldMs: undefined })
    const { key, token, sliding } = request
    const [guard] = guards.open([key]) as [CopyGuard]
    const sentAt = now()
    let isClaimed = false
    try {
      const reply = await far.readOrClaim({ ...request, forCopy: true, changes: readerFor([guard]) })
      const { entry, claimed } = reply.value
      isClaimed = claimed === true
      // Do not copy an entry that this call refreshes early: it will be replaced.
      if (entry?.state === 'live' && !isClaimed) await keepRow(entry, guard, sliding?.ttlMs, sentAt)
      return reply
    } finally {
      if (isClaimed) remember(token, { guard, ttlMs: sliding?.ttlMs })
      else guards.close([guard])
    }
  }

  async function fill(request: FillRequest): Promise<Reply<boolean>> {
    const { key, token, value, number, deadline, maxAgeMs, tags, asOf } = request
    const claim = claims.get(token)
    claims.delete(token)
    const [guard] = claim === undefined ? guards.open([key]) : [claim.guard]
    if (guard === undefined) return far.fill(request)
    const sentAt = now()
    let hasCopy = false
    try {
      const reply = await guards.during([guard], async () => far.fill(request))
      // With a snapshot, the entry may already be invalidated. Without a claim, no guard was open during the
      // computation.
      if (reply.value && asOf === null && claim !== undefined) {
        // The old entry may have had another deadline, so its hints are wrong.
        await copies.forgetHints([key])
        const row = { value, number, remainingMs: remainingMs(deadline, maxAgeMs), tags }
        await keepRow(row, guard, claim.ttlMs, sentAt)
        hasCopy = guard.isValid
      }
      return reply
    } finally {
      if (!hasCopy) await copies.forget([key])
      guards.close([guard])
    }
  }

  return {
    readOrClaim,
    fill,
    async release(key: string, token: string, backoffMs?: number) {
      forgetClaim(token)
      return far.release(key, token, backoffMs)
    },
  }
}
