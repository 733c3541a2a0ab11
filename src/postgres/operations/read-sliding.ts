import { eq, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { bool, decimal, nullable, text } from '../kinds.ts'
import { type Build, operation, type RowOf } from '../operation.ts'
import { type Condition, isLiveUntagged, param } from './fragments.ts'
import { isNotDue, slide } from './slide.ts'

const COLUMNS = { value: nullable(text), number: nullable(decimal), touched: bool } as const

/** Reads an entry whose deadline stays. */
const hit =
  (isLive: Condition): Build<RowOf<typeof COLUMNS>> =>
  (db, tables, answer) => {
    const { key, value, number } = tables.entries
    return answer(db, { value, number, touched: sql`false` })
      .from(tables.entries)
      .where(allOf(eq(key, param('key')), isLive(tables), isNotDue(tables)))
  }

/** Reads an entry, and pushes its deadline out if that is due. */
export const readSliding = operation({
  name: 'read_sliding',
  repeatable: 'always',
  rows: 'at most one',
  columns: COLUMNS,
  build(db, tables, answer) {
    const { entries } = tables
    const found = db.$with('found', {}).as(sql`
      select ${entries.key}, ${entries.value}, ${entries.number}
      from ${entries}
      where ${entries.key} = ${param('key')} and ${live(tables)}`)
    const { ctes, touched } = slide(db, tables)
    return answer(db.with(found, ...ctes), {
      value: sql`found.value`,
      number: sql`found.number`,
      touched,
    }).from(sql`found`)
  },
  usual: [hit(isLiveUntagged), hit(live)],
})
