/**
 * Refuses tables that Citus distributes.
 *
 * On a distributed table, functions such as `pg_current_snapshot()` run on the coordinator, while the rows carry the
 * transaction ids of their workers. Comparisons of the two mean nothing, and reads of tagged entries would be stale.
 */
import { ownTables } from '../schema/own-tables.ts'
import type { TableNames } from '../schema/table-names.ts'
import { homeOid } from './home-sql.ts'

/** The SQLSTATE without its last character, the table's number. */
export const DISTRIBUTED = 'PGSC'

/** The catalogue of Citus. It has a row for each distributed table and each reference table. */
export const CITUS_TABLES = 'pg_catalog.pg_dist_partition'

export const DISTRIBUTED_DECLARATIONS = 'distributed pg_catalog.int8;'

/**
 * For a guarded block, before and after the tables are created: in a distributed schema, new tables are distributed
 * too.
 */
export function distributedSteps(tables: TableNames): string {
  return `if to_regclass('${CITUS_TABLES}') is not null then
  execute 'select min(own.place) from unnest($1) with ordinality as own(oid, place)
    join ${CITUS_TABLES} as d on d.logicalrelid = own.oid'
    into distributed using array[${ownTables(tables).map(homeOid).join(', ')}]::oid[];
  if distributed is not null then
    raise exception 'pgstash cannot migrate this' using errcode = '${DISTRIBUTED}' || (distributed - 1);
  end if;
end if;`
}
