import { nullable, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { CLUSTER_IDENTITY } from '../../schema/cluster.ts'
import { raw, sql } from '../../schema/sql.ts'
import { oidOf } from '../../schema/table-names.ts'

/**
 * Identifies the log of invalidations that the snapshots of tagged entries refer to: its table, database and cluster,
 * and the cluster's timeline and Neon branch. A restored copy and a Neon branch share everything but these two. Null if
 * the role may not read them, or on a replica.
 */
export const readOrigin = operation({
  name: 'read_origin',
  repeatable: 'always',
  rows: 'one',
  columns: { origin: nullable(text) },
  build(tables) {
    const table = oidOf(tables.invalidations)
    const database = sql`(select oid from pg_database where datname = current_database())`
    const branch = sql`coalesce((select setting from pg_settings where name = 'neon.timeline_id'), '')`
    const timeline = sql`case when not pg_is_in_recovery() then substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end`
    return {
      select: {
        origin: sql`${raw(CLUSTER_IDENTITY)} || '/' || ${timeline} || '/' || ${branch} || '/' || ${database} || '/' || ${table}::oid`,
      },
      from: sql`(select) as one`,
    }
  },
})
