/**
 * Lists all operations that have a routine: the store's operations, and the admin pages' operations that read many
 * entries. Tools such as `doctor` send their few statements inline.
 */
import type { TableNames } from '../../schema/table-names.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../../values/sha256.ts'
import type { Operation } from '../operation.ts'
import { add } from '../operations/add.ts'
import { backOff } from '../operations/back-off.ts'
import { browse } from '../operations/browse.ts'
import { clear } from '../operations/clear.ts'
import { count } from '../operations/count.ts'
import { countTagged } from '../operations/count-tagged.ts'
import { countUp } from '../operations/count-up.ts'
import { evict } from '../operations/evict.ts'
import { fill } from '../operations/fill.ts'
import { has } from '../operations/has.ts'
import { invalidate } from '../operations/invalidate.ts'
import { countCall, countSliding, takeTokens } from '../operations/limit.ts'
import { list } from '../operations/list.ts'
import { markTags } from '../operations/mark-tags.ts'
import { pull } from '../operations/pull.ts'
import { read } from '../operations/read.ts'
import {
  readCopies,
  readCopiesWithChanges,
  readCopySliding,
  readCopySlidingWithChanges,
} from '../operations/read-copies.ts'
import { readCounter } from '../operations/read-counter.ts'
import { readDeadline } from '../operations/read-deadline.ts'
import { readDue } from '../operations/read-due.ts'
import { readMarked } from '../operations/read-marked.ts'
import { readOne } from '../operations/read-one.ts'
import {
  readOrClaim,
  readOrClaimSliding,
  readOrClaimSlidingWithChanges,
  readOrClaimWithChanges,
  readUnclaimed,
  readUnclaimedWithChanges,
} from '../operations/read-or-claim.ts'
import { readSliding } from '../operations/read-sliding.ts'
import { readTagEvents } from '../operations/read-tag-events.ts'
import { release } from '../operations/release.ts'
import { remove } from '../operations/remove.ts'
import { removeMany } from '../operations/remove-many.ts'
import { stats } from '../operations/stats.ts'
import { summarize } from '../operations/summarize.ts'
import { sweep } from '../operations/sweep.ts'
import { takeSnapshot } from '../operations/take-snapshot.ts'
import { touch } from '../operations/touch.ts'
import { write } from '../operations/write.ts'
import { writeMany } from '../operations/write-many.ts'
import { writeTagEvents } from '../operations/write-tag-events.ts'
import { deleteResponse } from '../responses/delete-response.ts'
import { fillResponse } from '../responses/fill-response.ts'
import { freshenResponse } from '../responses/freshen-response.ts'
import { markHitForMiss } from '../responses/mark-hit-for-miss.ts'
import { purgeHard, purgeSoft } from '../responses/purge.ts'
import { readResponse, readResponseUnclaimed } from '../responses/read-response.ts'
import { compileRoutine, ROUTINE_SETTINGS, type Routine } from './routine.ts'
import { usualClaims } from './usual/claims.ts'
import { usualCounters } from './usual/counters.ts'
import { usualReads } from './usual/reads.ts'
import { usualResponses } from './usual/responses.ts'

type AnyOperation = Operation<never>

const byScope = [evict, stats, summarize, countTagged, sweep].flatMap(({ everything, range }) => [everything, range])
const lists = [list.all, list.direct, browse].flatMap((byState) => Object.values(byState))
const claims = [readOrClaim, readOrClaimSliding, readOrClaimWithChanges, readOrClaimSlidingWithChanges]
const unclaimed = [readUnclaimed, readUnclaimedWithChanges]
const copies = [readCopies, readCopiesWithChanges, readCopySliding, readCopySlidingWithChanges]
const reads = [readOne, read, readMarked, readSliding, readDue, readDeadline, readCounter, has, takeSnapshot]
const writes = [write, writeMany, add, touch, countUp, countCall, countSliding, takeTokens, fill, release, backOff]
const tagEvents = [readTagEvents, writeTagEvents]
const removals = [remove, removeMany, pull, clear, invalidate, markTags]
const counts = [count]
const responses = [
  ...[readResponse, readResponseUnclaimed, fillResponse, freshenResponse, deleteResponse, markHitForMiss],
  ...[purgeHard, purgeSoft],
]

export const operationsWithRoutine = [
  ...[reads, copies, claims, unclaimed, writes, tagEvents, removals, byScope, counts, lists, responses].flat(),
] as unknown as readonly AnyOperation[]

const usual = [...usualReads, ...usualClaims, ...usualCounters, ...usualResponses]

/** Returns the statements that the operation's routine tries first. */
export function usualOf(operation: Operation<never>): readonly Operation<never>['build'][] {
  return usual.find((each) => each.operation === operation)?.builds ?? []
}

export function compileRoutines(tables: TableNames): Routine[] {
  return operationsWithRoutine.map((operation) => compileRoutine(operation, usualOf(operation), tables))
}

/**
 * Returns the version of a set. Any change of a statement or a setting changes it, so that releases with either set can
 * run side by side.
 */
export function versionOf(routines: readonly Routine[]): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify([ROUTINE_SETTINGS, routines])))).slice(0, 8)
}
