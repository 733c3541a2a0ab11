/** The three steps of a fill on Postgres; `src/fill` says what they are for. */
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../store/claims.ts'
import type { Store } from '../store/store.ts'
import { copyFields, passChanges } from './copy-columns.ts'
import type { Operation } from './operation.ts'
import { fill } from './operations/fill.ts'
import { deadlineValues } from './operations/fragments.ts'
import { readOne } from './operations/read-one.ts'
import {
  readOrClaim,
  readOrClaimSliding,
  readOrClaimSlidingWithChanges,
  readOrClaimWithChanges,
} from './operations/read-or-claim.ts'
import { release } from './operations/release.ts'
import type { Run, Session } from './session.ts'
import { readSlidingRow, type WriteRefusals } from './sliding.ts'
import { futureSnapshot } from './untrusted-snapshot.ts'

export function fills(session: Session, refusals: WriteRefusals) {
  return {
    readOrClaim: (request) =>
      session(async (run) => {
        if (refusals.isInTransaction) return readOnly(run, refusals, request)
        const live = refusals.isKnown() ? await liveEntry(run, request) : undefined
        return live ?? claim(run, refusals, request)
      }),
    fill: (request) =>
      session(async (run) => {
        const [row] = await run(fill, fillValues(request))
        if (row?.stored === null) throw futureSnapshot()
        return row?.stored ?? false
      }),
    release: (key, token) =>
      session(async (run) => {
        await run(release, { key, token })
      }),
  } satisfies Partial<Store>
}

/** @throws DatabaseError, also if the database refuses writes and nothing is live: nobody could store the computed value */
async function claim(run: Run, refusals: WriteRefusals, request: ClaimRequest): Promise<ClaimAnswer> {
  try {
    const [row] = await run(claimOperation(request), claimValues(request))
    await passChanges(request.changes, row?.changes)
    return answerOf(row, request.forCopy === true)
  } catch (error) {
    const live = refusals.note(error) ? await liveEntry(run, request) : undefined
    if (live === undefined) throw error
    return live
  }
}

/** A hit that writes nothing. */
async function liveEntry(run: Run, { key, force }: ClaimRequest): Promise<ClaimAnswer | undefined> {
  if (force) return undefined
  const [row] = await run(readOne, { key })
  return row && { entry: { ...row, state: 'live' }, claimed: false, heldMs: undefined }
}

/**
 * Inside a transaction of the caller there is no lease: it would keep all others waiting until the transaction ends, and the
 * value may be computed from data that nobody else may see yet.
 */
async function readOnly(run: Run, refusals: WriteRefusals, { key, sliding }: ClaimRequest): Promise<ClaimAnswer> {
  const row =
    sliding === undefined ? (await run(readOne, { key }))[0] : await readSlidingRow(run, refusals, key, sliding)
  return { entry: row && { ...row, state: 'live' }, claimed: 'unavailable', heldMs: undefined }
}

function claimOperation({ sliding, changes }: ClaimRequest) {
  if (changes === undefined) return sliding === undefined ? readOrClaim : readOrClaimSliding
  return sliding === undefined ? readOrClaimWithChanges : readOrClaimSlidingWithChanges
}

function claimValues({ sliding, changes, forCopy = false, ...request }: ClaimRequest): Record<string, unknown> {
  return { forCopy, ...request, ...sliding, ...(changes && { since: changes.since() }) }
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
