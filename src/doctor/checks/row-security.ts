import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { ownTables } from '../../schema/own-tables.ts'
import { join, raw, sql } from '../../schema/sql.ts'
import { oidOf, shownName, type TableNames } from '../../schema/table-names.ts'
import { type Check, type Observation, ok } from '../finding.ts'

/** The numbers of tables are lists in one text, because drivers return arrays in different forms. */
const facts = operation({
  name: 'check_row_security',
  repeatable: 'always',
  rows: 'one',
  columns: { role: text, enabled: text, active: text },
  build: (tables) => ({
    select: {
      role: sql`current_user::text`,
      enabled: sql`coalesce(string_agg(t.number, ',') filter (where c.relrowsecurity), '')`,
      active: sql`coalesce(string_agg(t.number, ',') filter (where row_security_active(c.oid)), '')`,
    },
    from: sql`(values ${join(
      ownTables(tables).map((table, i) => sql`(${raw(`'${i}'`)}, ${oidOf(table)})`),
    )}) as t(number, oid) join pg_class as c on c.oid = t.oid`,
  }),
})

const ADVICE =
  'If you enabled it against an API over the whole schema, such as PostgREST, a schema that the API does not serve is simpler.'

/** Checks whether policies can hide rows of the cache. Exact invalidation needs the whole log. */
export const rowSecurity: Check = {
  name: 'row-security',
  // Runs before the check of the tables' version, because hidden rows would falsify that check.
  needsTables: false,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const [enabled, active] = [shownNames(tables, row.enabled), shownNames(tables, row.active)]
    const seen: Observation[] = []
    if (active !== '') {
      const what = `Row-level security applies to ${row.role} on ${active}: hidden tags and entries are misses, writes may fail, and L1 caches drop everything at each change.`
      const advice = `As the owner, for each table: alter table … disable row level security; Or as a superuser: alter role ${row.role} bypassrls; A policy that shows all rows is not enough.`
      seen.push({ status: 'problem', what, advice })
    } else if (enabled !== '') {
      const what = `Row-level security is on for ${enabled}. It does not apply to ${row.role}, but roles that it applies to miss every tagged entry.`
      seen.push({ status: 'note', what, advice: `Let your code connect as ${row.role} or a similar role. ${ADVICE}` })
    }
    return seen.length > 0 ? seen : [ok('No policy can hide a row of the cache.')]
  },
}

function shownNames(tables: TableNames, numbers: string): string {
  const own = ownTables(tables)
  return numbers
    .split(',')
    .flatMap((number) => (number === '' ? [] : (own[Number(number)] ?? [])))
    .map((table) => shownName(tables, table))
    .join(', ')
}
