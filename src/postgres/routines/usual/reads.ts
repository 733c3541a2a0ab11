/** Cheaper statements for hits of plain and sliding reads. */
import { type Condition, isLive } from '../../../schema/conditions.ts'
import { sql } from '../../../schema/sql.ts'
import type { TableNames } from '../../../schema/table-names.ts'
import type { Build, Operation } from '../../operation.ts'
import { changesSince } from '../../operations/changes.ts'
import { isAmong, isLiveUntagged, param } from '../../operations/fragments.ts'
import { readCopySliding, readCopySlidingWithChanges, remainingMs } from '../../operations/read-copies.ts'
import { readOne } from '../../operations/read-one.ts'
import { readSliding } from '../../operations/read-sliding.ts'
import { isNotDue } from '../../operations/slide.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

type RowOfOperation<Of> = Of extends Operation<infer Row> ? Row : never

const untagged: Build<RowOfOperation<typeof readOne>> = (tables) => {
  const { key, value, number } = tables.entries
  return {
    select: { value, number },
    from: sql`${tables.entries} where ${key} = ${param('key')} and ${isLiveUntagged(tables)}`,
  }
}

/** Reads a live entry whose deadline stays. */
const notDue =
  (isLive: Condition): Build<RowOfOperation<typeof readSliding>> =>
  (tables) => {
    const { key, value, number } = tables.entries
    return {
      select: { value, number, touched: sql`false` },
      from: sql`${tables.entries} where ${key} = ${param('key')} and ${isLive(tables)} and ${isNotDue(tables)}`,
    }
  }

/** Returns the columns of a copy whose deadline stays. */
function unmoved({ entries }: TableNames) {
  const { key, value, number, expiresAt, tags } = entries
  return { key, value, number, remainingMs: remainingMs(expiresAt), tags, touched: sql`false` }
}

const isUnmoved = (tables: TableNames) =>
  sql`${isAmong(tables.entries.key, 'keys')} and ${isLive(tables)} and ${isNotDue(tables)}`

export const usualReads: readonly UsualCases[] = [
  usualCases(readOne, untagged),
  usualCases(readSliding, notDue(isLiveUntagged), notDue(isLive)),
  usualCases(readCopySliding, (tables) => ({
    select: unmoved(tables),
    from: sql`${tables.entries} where ${isUnmoved(tables)}`,
  })),
  usualCases(readCopySlidingWithChanges, (tables) => ({
    select: { ...unmoved(tables), changes: changesSince(tables) },
    from: sql`${tables.entries} where ${isUnmoved(tables)}`,
  })),
]
