/** Cheaper statements for hits of `getOrSet`, which claim nothing. */
import { type Condition, isLive } from '../../../schema/conditions.ts'
import { sql } from '../../../schema/sql.ts'
import type { Build, Operation } from '../../operation.ts'
import { changesSince } from '../../operations/changes.ts'
import { isLiveUntagged, param } from '../../operations/fragments.ts'
import { remainingMs } from '../../operations/read-copies.ts'
import {
  type Extras,
  isDueEarly,
  readOrClaim,
  readOrClaimSliding,
  readOrClaimSlidingWithChanges,
  readOrClaimWithChanges,
  servableUntil,
} from '../../operations/read-or-claim.ts'
import { isNotDue } from '../../operations/slide.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

type Claim = typeof readOrClaim extends Operation<infer Row> ? Row : never

/** Reads a live entry that is not due for an early refresh, and whose deadline stays. */
function hit(isLive: Condition, { sliding, changes: hasChanges }: Extras): Build<Claim> {
  return (tables) => {
    const { key, value, number, expiresAt, tags } = tables.entries
    const isForCopy = param('forCopy', 'boolean')
    return {
      select: {
        value,
        number,
        state: sql`'live'`,
        early: sql`false`,
        servableMs: remainingMs(servableUntil(tables)),
        remainingMs: sql`case when ${isForCopy} then ${remainingMs(expiresAt)} end`,
        tags: sql`case when ${isForCopy} then ${tags} end`,
        claimed: sql`false`,
        heldMs: sql`null`,
        touched: sql`false`,
        changes: hasChanges ? changesSince(tables) : sql`null`,
      },
      from: sql`${tables.entries} where ${key} = ${param('key')} and ${isLive(tables)}
        and not ${param('force', 'boolean')} and not ${isDueEarly(tables)}${sliding ? sql` and ${isNotDue(tables)}` : sql``}`,
    }
  }
}

const hits = (extras: Extras) => [hit(isLiveUntagged, extras), hit(isLive, extras)]

export const usualClaims: readonly UsualCases[] = [
  usualCases(readOrClaim, ...hits({})),
  usualCases(readOrClaimSliding, ...hits({ sliding: true })),
  usualCases(readOrClaimWithChanges, ...hits({ changes: true })),
  usualCases(readOrClaimSlidingWithChanges, ...hits({ sliding: true, changes: true })),
]
