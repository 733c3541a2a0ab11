import { integer } from '../postgres/kinds.ts'
import { cte, operation } from '../postgres/operation.ts'
import { milliseconds, param } from '../postgres/operations/fragments.ts'
import { join, quoteName, raw, sql } from '../schema/sql.ts'
import { columnName } from '../schema/table-names.ts'
import { SUMS } from './tally.ts'

/** The length of a bucket: five minutes. A week has 2,016 buckets per name. */
export const HISTORY_BUCKET_MS = 300_000

/**
 * Adds a tally to the current bucket, by the database's clock, and deletes all buckets that are older than `keepMs`. It
 * also deletes old buckets of other names, because the buckets of an unused name would stay forever.
 */
export const addHistory = operation({
  name: 'add_history',
  repeatable: 'unsent',
  rows: 'one',
  columns: { forgotten: integer },
  build({ history }) {
    const sums = SUMS.map((name) => ({ name: quoteName(columnName(name)), given: param(name) }))
    const forgotten = cte('forgotten')`
      delete from ${history} where (${history.name}, ${history.bucketAt}) in (
        select old.name, old.bucket_at from ${history} as old
        where old.bucket_at < now() - ${milliseconds('keepMs')}
        for update skip locked)
      returning 1`
    const added = cte('added')`
      insert into ${history} as bucket (name, bucket_at, slowest_fill_ms, ${join(sums.map(({ name }) => name))})
      select ${param('name')}, date_bin(${raw(`interval '${HISTORY_BUCKET_MS} milliseconds'`)}, now(), timestamptz 'epoch'),
        ${param('slowestFillMs', 'float8')}, ${join(sums.map(({ given }) => sql`${given}::float8`))}
      on conflict (name, bucket_at) do update
      set slowest_fill_ms = greatest(bucket.slowest_fill_ms, excluded.slowest_fill_ms),
        ${join(sums.map(({ name }) => sql`${name} = bucket.${name} + excluded.${name}`))}
      returning 1`
    return { with: [forgotten, added], select: { forgotten: sql`(select count(*) from forgotten)` }, from: sql`added` }
  },
})
