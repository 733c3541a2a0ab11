/** The three steps of a fill on Postgres; `src/fill` says what they are for. */
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../store/claims.ts'
import type { Store } from '../store/store.ts'
import { fill } from './operations/fill.ts'
import { deadlineValues } from './operations/fragments.ts'
import { readOne } from './operations/read-one.ts'
import {
  readOrClaim,
  readOrClaimSliding,
  readOrClaimSlidingWithNews,
  readOrClaimWithNews,
} from './operations/read-or-claim.ts'
import { readSliding } from './operations/read-sliding.ts'
import { release } from './operations/release.ts'
import { aboutOf, tellNews } from './rows.ts'
import type { Run, Session } from './session.ts'

export function fills(session: Session, isInTransaction: boolean) {
  return {
    readOrClaim: (request) =>
      session(async (run) => {
        if (isInTransaction) return readOnly(run, request)
        const [row] = await run(claimOperation(request), claimValues(request))
        await tellNews(request.news, row?.news)
        return answerOf(row, request.about === true)
      }),
    fill: (request) => session(async (run) => (await run(fill, fillValues(request)))[0]?.stored ?? false),
    release: (key, token) =>
      session(async (run) => {
        await run(release, { key, token })
      }),
  } satisfies Partial<Store>
}

/**
 * Inside a transaction of the caller there is no lease: it would keep all others waiting until the transaction ends, and the
 * value may be computed from data that nobody else may see yet.
 */
async function readOnly(run: Run, { key, sliding }: ClaimRequest): Promise<ClaimAnswer> {
  const [row] = await (sliding === undefined ? run(readOne, { key }) : run(readSliding, { key, ...sliding }))
  return { entry: row && { ...row, state: 'live' }, claimed: 'unavailable', heldMs: undefined }
}

function claimOperation({ sliding, news }: ClaimRequest) {
  if (news === undefined) return sliding === undefined ? readOrClaim : readOrClaimSliding
  return sliding === undefined ? readOrClaimWithNews : readOrClaimSlidingWithNews
}

function claimValues({ sliding, news, ...request }: ClaimRequest): Record<string, unknown> {
  return { about: false, ...request, ...sliding, ...(news && { since: news.since() }) }
}

function fillValues({ deadline, ...request }: FillRequest): Record<string, unknown> {
  return { ...request, ...deadlineValues(deadline) }
}

interface ClaimRow {
  value: string | null
  number: string | null
  state: 'live' | 'stale' | 'gone' | null
  claimed: boolean
  heldMs: number | null
  servableMs: number | null
  remainingMs: number | null
  tags: string | null
  news: string | null
}

function answerOf(row: ClaimRow | undefined, isAbout: boolean): ClaimAnswer {
  if (row === undefined) return { entry: undefined, claimed: false, heldMs: undefined }
  const { state, value, number, claimed, heldMs } = row
  const about = isAbout ? aboutOf(row) : undefined
  const servableMs = row.servableMs ?? undefined
  return {
    entry: state === 'live' || state === 'stale' ? { state, value, number, about, servableMs } : undefined,
    claimed,
    heldMs: heldMs ?? undefined,
  }
}
