import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { bool, decimal, json, nullable, snapshot, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { param } from './fragments.ts'
import { trustedSnapshot } from './history.ts'
import { FOUND_OR_NOT } from './read-copies.ts'

/** A mark's stored key, its age in milliseconds, and its value as an entry stores it. */
export type MarkRow = readonly [key: string, ageMs: number, value: string | null, number: number | null]

const marks = json((value): value is MarkRow[] => Array.isArray(value) && value.every(isMark))

function isMark(value: unknown): value is MarkRow {
  return Array.isArray(value) && value.length === 4 && typeof value[0] === 'string' && typeof value[1] === 'number'
}

/**
 * Reads the live entry of one key, and the marks of its tags that are newer than its data. Also reads the present
 * snapshot, for a caller that computes the value now and stores it later.
 *
 * A mark is a live entry whose key is one of `prefixes` followed by a tag. The statement checks the entry's own tags
 * and the tags in `asked`. Like an invalidation, a mark is newer if the entry's snapshot could not see the transaction
 * that wrote it. The last mark of a tag is enough, because two transactions that write one row follow each other.
 *
 * The keys go through an array, for which the planner expects ten rows. So it looks each key up.
 */
export const readMarked = operation({
  name: 'read_marked',
  repeatable: 'always',
  rows: 'one',
  columns: {
    value: nullable(text),
    number: nullable(decimal),
    isFound: bool,
    snapshot: nullable(snapshot),
    marks,
  },
  build(tables) {
    const { entries } = tables
    const found = cte('found')`
      select ${entries.key}, ${entries.value}, ${entries.number}, ${entries.tags}, ${entries.filledAt}
      from ${entries} where ${entries.key} = ${param('key')} and ${isLive(tables)}`
    const keys = sql`array(
      select given.prefix || asked.tag
      from json_array_elements_text(${param('prefixes', 'json')}) as given(prefix), (
        select unnest(found.tags) from found
        union select json_array_elements_text(${param('asked', 'json')})
      ) as asked(tag))`
    const newer = sql`(
      select coalesce(json_agg(json_build_array(${entries.key},
        extract(epoch from statement_timestamp() - ${entries.updatedAt}) * 1000, ${entries.value}, ${entries.number})), '[]')
      from ${entries}
      where ${entries.key} = any (${keys}) and not pg_visible_in_snapshot(${entries.writtenBy}, (select found.filled_at from found))
        and ${isLive(tables)})`
    return {
      with: [found],
      select: {
        value: sql`found.value`,
        number: sql`found.number`,
        isFound: sql`found.key is not null`,
        snapshot: trustedSnapshot,
        marks: newer,
      },
      from: FOUND_OR_NOT,
    }
  },
})
