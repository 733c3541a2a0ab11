import { bool, nullable, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { join, quoteText, raw, sql } from '../../schema/sql.ts'
import { oidOf } from '../../schema/table-names.ts'

/** Names of routines start with this, like the names of tables. */
const CACHE = 'cache_'

/**
 * Reads how each of the cache's tables is built: columns, indexes, storage settings, triggers. `migrate` compares the
 * result before and after, in order to report the changes. A table that does not exist has no row.
 */
export const readInstalled = operation({
  name: 'read_installed',
  repeatable: 'always',
  rows: 'any number',
  columns: { name: text, definition: text, routines: nullable(text), hasRowSecurity: bool },
  build(tables) {
    const { entries, leases, invalidations, state, changes, history } = tables
    const all = [entries, leases, invalidations, state, changes, history]
    const ids = all.map((table) => oidOf(table))
    const list = (item: string, from: string) => raw(`(select string_agg(${item}, ',' order by ${item}) from ${from})`)
    const parts = [
      sql`c.relpersistence`,
      sql`c.reloptions::text`,
      sql`(select reloptions::text from pg_class where oid = c.reltoastrelid)`,
      list(
        `attname || attcompression::text`,
        `pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped`,
      ),
      list(`indexrelid::regclass::text`, `pg_index where indrelid = c.oid`),
      list(`tgname || tgenabled::text`, `pg_trigger where tgrelid = c.oid and not tgisinternal`),
    ]
    const functions = sql`(
    select md5(string_agg(proname || prosrc, ',' order by proname, oid)) from pg_proc
    where pronamespace = c.relnamespace and starts_with(proname, ${quoteText(tables.prefix + CACHE)}::text)
  )`
    return {
      select: {
        name: sql`c.relname::text`,
        definition: sql`concat_ws('|', ${join(parts)})`,
        routines: functions,
        hasRowSecurity: sql`c.relrowsecurity`,
      },
      from: sql`pg_class c where c.oid in (${join(ids)}) order by c.relname`,
    }
  },
})
