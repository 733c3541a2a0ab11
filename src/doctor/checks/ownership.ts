import { isWatchFunction } from '../../drizzle/watch-sql.ts'
import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { ownTables } from '../../schema/own-tables.ts'
import { join, raw, sql } from '../../schema/sql.ts'
import { oidOf, regclass } from '../../schema/table-names.ts'
import { type Check, ok } from '../finding.ts'

/** Finds parts that belong neither to the owner of the entries nor to a superuser. */
const facts = operation({
  name: 'check_ownership',
  repeatable: 'always',
  rows: 'at most one',
  columns: { owner: text, others: text },
  build: (tables) => ({
    select: {
      owner: sql`r.rolname::text`,
      others: sql`coalesce(string_agg(o.name || ' to ' || p.rolname, ', ' order by o.name)
        filter (where o.owner <> e.relowner and not p.rolsuper), '')`,
    },
    from: sql`pg_class as e join pg_roles as r on r.oid = e.relowner, (
        select c.relname::text as name, c.relowner as owner from pg_class as c
        where c.oid in (${join(ownTables(tables).map((table) => oidOf(table)))})
        union all
        select 'the function ' || f.proname, f.proowner from pg_proc as f
        where f.pronamespace = (select l.relnamespace from pg_class as l where l.oid = ${raw(regclass(tables.invalidations))})
          and ${raw(isWatchFunction(tables, 'f'))}
      ) as o join pg_roles as p on p.oid = o.owner where e.oid = ${oidOf(tables.entries)} group by r.rolname`,
  }),
})

/**
 * Checks that one role owns everything.
 *
 * The owner of a table decides which code runs on a write to it. The owner of a function can replace its body.
 */
export const ownership: Check = {
  name: 'ownership',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.others === '') return [ok('The tables and functions of the cache belong to one role.')]
    const what = `The cache belongs to ${row.owner}, but other roles own parts of it, so they decide which code runs with it: ${row.others}.`
    const advice = `If you trust these roles: alter … owner to ${row.owner}; for each part. If not: drop these parts as a superuser (functions: \`pgstash unwatch\`), then run \`pgstash migrate\` and \`pgstash watch\` as ${row.owner}.`
    return [{ status: 'warning', what, advice }]
  },
}
