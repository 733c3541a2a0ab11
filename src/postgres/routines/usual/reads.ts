/** Cheaper statements for hits of plain and sliding reads. */
import { eq, sql } from 'drizzle-orm'
import { allOf } from '../../../schema/all-of.ts'
import { type CacheTables, live } from '../../../schema/index.ts'
import type { Build, Operation } from '../../operation.ts'
import { changesSince } from '../../operations/changes.ts'
import { type Condition, isAmong, isLiveUntagged, param } from '../../operations/fragments.ts'
import { readCopySliding, readCopySlidingWithChanges, remainingMs } from '../../operations/read-copies.ts'
import { readOne } from '../../operations/read-one.ts'
import { readSliding } from '../../operations/read-sliding.ts'
import { isNotDue } from '../../operations/slide.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

type RowOfOperation<Of> = Of extends Operation<infer Row> ? Row : never

const untagged: Build<RowOfOperation<typeof readOne>> = (db, tables, answer) => {
  const { key, value, number } = tables.entries
  return answer(db, { value, number })
    .from(tables.entries)
    .where(allOf(eq(key, param('key')), isLiveUntagged(tables)))
}

/** Reads a live entry whose deadline stays. */
const notDue =
  (isLive: Condition): Build<RowOfOperation<typeof readSliding>> =>
  (db, tables, answer) => {
    const { key, value, number } = tables.entries
    return answer(db, { value, number, touched: sql`false` })
      .from(tables.entries)
      .where(allOf(eq(key, param('key')), isLive(tables), isNotDue(tables)))
  }

/** Returns the columns of a copy whose deadline stays. */
function unmoved({ entries }: CacheTables) {
  const { key, value, number, expiresAt, tags } = entries
  return { key, value, number, remainingMs: remainingMs(sql`${expiresAt}`), tags, touched: sql`false` }
}

const isUnmoved = (tables: CacheTables) => allOf(isAmong(tables.entries.key, 'keys'), live(tables), isNotDue(tables))

export const usualReads: readonly UsualCases[] = [
  usualCases(readOne, untagged),
  usualCases(readSliding, notDue(isLiveUntagged), notDue(live)),
  usualCases(readCopySliding, (db, tables, answer) =>
    answer(db, unmoved(tables)).from(tables.entries).where(isUnmoved(tables)),
  ),
  usualCases(readCopySlidingWithChanges, (db, tables, answer) =>
    answer(db, { ...unmoved(tables), changes: changesSince(tables) })
      .from(tables.entries)
      .where(isUnmoved(tables)),
  ),
]
