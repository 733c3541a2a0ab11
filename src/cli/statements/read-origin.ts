import { sql } from 'drizzle-orm'
import { nullable, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { CLUSTER_IDENTITY } from '../../schema/cluster.ts'
import { qualified } from '../../schema/sql-text.ts'

/**
 * Names the log of invalidations that snapshots of tagged entries are about: its table, database, cluster, and the
 * history of that: a restored copy and a branch of Neon share the rest. Null where the role may not ask, or on a replica.
 */
export const readOrigin = operation({
  name: 'read_origin',
  repeatable: 'always',
  rows: 'one',
  columns: { origin: nullable(text) },
  build(db, tables, answer) {
    const table = sql`to_regclass(${qualified(tables, tables.invalidations)}::text)`
    const database = sql`(select oid from pg_database where datname = current_database())`
    const branch = sql`coalesce((select setting from pg_settings where name = 'neon.timeline_id'), '')`
    const timeline = sql`case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end`
    return answer(db, {
      origin: sql`${sql.raw(CLUSTER_IDENTITY)} || '/' || ${timeline} || '/' || ${branch} || '/' || ${database} || '/' || ${table}::oid`,
    }).from(sql`(select) as one`)
  },
})
