/** The three steps of a fill on Postgres. `src/fill` explains them. */
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../store/claims.ts'
import type { Store } from '../store/store.ts'
import { copyFields, passChanges } from './copy-columns.ts'
import type { Operation } from './operation.ts'
import { backOff } from './operations/back-off.ts'
import { fill } from './operations/fill.ts'
import { deadlineValues } from './operations/fragments.ts'
import { readOne } from './operations/read-one.ts'
import {
  readOrClaim,
  readOrClaimSliding,
  readOrClaimSlidingWithChanges,
  readOrClaimWithChanges,
  readUnclaimed,
  readUnclaimedWithChanges,
} from './operations/read-or-claim.ts'
import { release } from './operations/release.ts'
import { isDiskFull } from './retry.ts'
import type { Run, Session } from './session.ts'
import { readSlidingRow } from './sliding.ts'
import { futureSnapshot } from './untrusted-snapshot.ts'
import { claimEitherWay, type WriteRefusals } from './write-refusals.ts'

export function fills(session: Session, refusals: WriteRefusals) {
  return {
    async readOrClaim(request) {
      let failure: unknown
      const reply = await session(async (run) => {
        if (refusals.isInTransaction) return readWithoutLease(run, refusals, request)
        try {
          return await claimEitherWay(
            refusals,
            () => claim(run, request),
            () => findEntry(run, request),
          )
        } catch (error) {
          // A missing lease must not fail a call, so the caller computes without a lease.
          if (!isDiskFull(error)) throw error
          failure = error
          return { entry: undefined, claimed: 'unavailable', heldMs: undefined } as const
        }
      })
      return failure === undefined ? reply : { ...reply, failure }
    },
    fill: (request) =>
      session(async (run) => {
        const [row] = await run(fill, fillValues(request))
        if (row?.stored === null) throw futureSnapshot()
        return row?.stored ?? false
      }),
    release: (key, token, backoffMs = 0) =>
      session(async (run) => {
        if (backoffMs > 0) await run(backOff, { key, token, backoffMs })
        else await run(release, { key, token })
      }),
  } satisfies Partial<Store>
}

async function claim(run: Run, request: ClaimRequest): Promise<ClaimAnswer> {
  const [row] = await run(claimOperation(request), claimValues(request))
  await passChanges(request.changes, row?.changes)
  return answerOf(row, request.forCopy === true)
}

/**
 * Finds the entry without a claim, for a database that refuses writes. A stale entry is returned too: nothing can
 * refresh it here, and a caller that accepts stale values prefers one to an error.
 */
async function findEntry(run: Run, request: ClaimRequest): Promise<ClaimAnswer | undefined> {
  const { force, changes, key, staleMs, early, forCopy = false } = request
  if (force) return undefined
  const values = { key, staleMs, early, force, forCopy, ...(changes && { since: changes.since() }) }
  const [row] = await run(changes === undefined ? readUnclaimed : readUnclaimedWithChanges, values)
  await passChanges(changes, row?.changes)
  const answer = answerOf(row, forCopy)
  return answer.entry && answer
}

/**
 * Reads without a lease inside a transaction of the caller. A lease would keep all other callers waiting until the
 * transaction ends. The value may also be computed from data that only this transaction can see.
 */
async function readWithoutLease(
  run: Run,
  refusals: WriteRefusals,
  { key, sliding }: ClaimRequest,
): Promise<ClaimAnswer> {
  const row =
    sliding === undefined ? (await run(readOne, { key }))[0] : await readSlidingRow(run, refusals, key, sliding)
  return { entry: row && { ...row, state: 'live' }, claimed: 'unavailable', heldMs: undefined }
}

function claimOperation({ sliding, changes }: ClaimRequest) {
  if (changes === undefined) return sliding === undefined ? readOrClaim : readOrClaimSliding
  return sliding === undefined ? readOrClaimWithChanges : readOrClaimSlidingWithChanges
}

/** Lists the fields, because to spread the request takes a tenth of all work of this process for a hit. */
function claimValues(request: ClaimRequest): Record<string, unknown> {
  const { key, token, leaseMs, staleMs, early, force, forCopy = false, sliding, changes } = request
  return {
    key,
    token,
    leaseMs,
    staleMs,
    early,
    force,
    forCopy,
    ttlMs: sliding?.ttlMs,
    lifeMs: sliding?.lifeMs,
    maxAgeMs: sliding?.maxAgeMs,
    since: changes?.since(),
  }
}

function fillValues({ deadline, ...request }: FillRequest): Record<string, unknown> {
  return { ...request, ...deadlineValues(deadline) }
}

type ClaimRow = typeof readOrClaim extends Operation<infer Row> ? Row : never

function answerOf(row: ClaimRow | undefined, isForCopy: boolean): ClaimAnswer {
  if (row === undefined) return { entry: undefined, claimed: false, heldMs: undefined }
  const { state, value, number, claimed, heldMs } = row
  const fields = isForCopy ? copyFields(row) : undefined
  const servableMs = row.servableMs ?? undefined
  return {
    entry: state === 'live' || state === 'stale' ? { state, value, number, ...fields, servableMs } : undefined,
    claimed,
    heldMs: heldMs ?? undefined,
  }
}
