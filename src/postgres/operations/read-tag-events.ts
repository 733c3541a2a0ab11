import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { bool, decimal, json, nullable, number, snapshot, strings, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { param } from './fragments.ts'
import { trustedSnapshot } from './history.ts'
import { FOUND_OR_NOT } from './read-copies.ts'

/** The stored key of an event, and its number in decimal digits. */
export type EventRow = readonly [key: string, number: string]

const events = json(
  (value): value is EventRow[] =>
    Array.isArray(value) && value.every((row) => Array.isArray(row) && row.length === 2 && row.every(isText)),
)

const isText = (value: unknown) => typeof value === 'string'

/**
 * Reads the live entry of a key, and the last event of each tag: the tags in `tags`, and the entry's own.
 *
 * An event is an entry with a number, whose key is one of `prefixes` followed by the tag. `readAt` is the start of this
 * statement, in milliseconds since 1970. With `snapshot` it bounds the age of data that the caller reads after this
 * call.
 *
 * The keys go through an array, for which the planner expects ten rows. So it looks each key up.
 */
export const readTagEvents = operation({
  name: 'read_tag_events',
  repeatable: 'always',
  rows: 'one',
  columns: {
    readAt: number,
    snapshot: nullable(snapshot),
    isFound: bool,
    value: nullable(text),
    number: nullable(decimal),
    writtenAt: nullable(number),
    tags: nullable(strings),
    events,
  },
  build(tables) {
    const { entries } = tables
    const found = cte('found')`
      select ${entries.key}, ${entries.value}, ${entries.number}, ${entries.updatedAt}, ${entries.tags}
      from ${entries} where ${entries.key} = ${param('key')} and ${isLive(tables)}`
    const keys = sql`array(
      select given.prefix || asked.tag
      from json_array_elements_text(${param('prefixes', 'json')}) as given(prefix), (
        select unnest(found.tags) from found
        union select json_array_elements_text(${param('tags', 'json')})
      ) as asked(tag))`
    const last = sql`(
      select coalesce(json_agg(json_build_array(${entries.key}, ${entries.number}::text)), '[]')
      from ${entries} where ${entries.key} = any (${keys}) and ${entries.number} is not null and ${isLive(tables)})`
    return {
      with: [found],
      select: {
        readAt: sql`extract(epoch from statement_timestamp()) * 1000`,
        snapshot: trustedSnapshot,
        isFound: sql`found.key is not null`,
        value: sql`found.value`,
        number: sql`found.number`,
        writtenAt: sql`extract(epoch from found.updated_at) * 1000`,
        tags: sql`found.tags`,
        events: last,
      },
      from: FOUND_OR_NOT,
    }
  },
})
