import { sql } from 'drizzle-orm'
import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import type { CacheTables } from '../../schema/index.ts'
import { ownTables } from '../../schema/own-tables.ts'
import { type Check, type Observation, oidOf, ok, shownName } from '../finding.ts'

/** Lists of table numbers as text, because drivers differ in how they answer with arrays. */
const facts = operation({
  name: 'check_row_security',
  repeatable: 'always',
  rows: 'one',
  columns: { role: text, enabled: text, active: text },
  build: (db, tables, answer) =>
    answer(db, {
      role: sql`current_user::text`,
      enabled: sql`coalesce(string_agg(t.number, ',') filter (where c.relrowsecurity), '')`,
      active: sql`coalesce(string_agg(t.number, ',') filter (where row_security_active(c.oid)), '')`,
    }).from(
      sql`(values ${sql.join(
        ownTables(tables).map((table, i) => sql`(${sql.raw(`'${i}'`)}, ${oidOf(tables, table)})`),
        sql`, `,
      )}) as t(number, oid) join pg_class as c on c.oid = t.oid`,
    ),
})

const ADVICE =
  'Row-level security is of use against an API over the whole schema, such as PostgREST; a schema that it does not serve is simpler.'

/** Whether policies can hide rows of the cache: exactness needs the whole log. */
export const rowSecurity: Check = {
  name: 'row-security',
  // Asked before the tables' version, which hidden rows would belie.
  needsTables: false,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const [enabled, active] = [named(tables, row.enabled), named(tables, row.active)]
    const seen: Observation[] = []
    if (active !== '') {
      const what = `Row-level security applies to ${row.role} on ${active}: hidden tags and entries are misses, writes may be refused, and first tiers forget everything at each change.`
      const advice = `As the owner: alter table … disable row level security for each, or as a superuser: alter role ${row.role} bypassrls. A policy that shows all rows is not enough.`
      seen.push({ status: 'problem', what, advice })
    } else if (enabled !== '') {
      const what = `Row-level security is on for ${enabled}. It does not apply to ${row.role}; for roles that it applies to, tagged entries are misses.`
      seen.push({ status: 'note', what, advice: `Connect as a role like this one. ${ADVICE}` })
    }
    return seen.length > 0 ? seen : [ok('No row of the cache can be hidden by a policy.')]
  },
}

function named(tables: CacheTables, numbers: string): string {
  const own = ownTables(tables)
  return numbers
    .split(',')
    .flatMap((number) => (number === '' ? [] : (own[Number(number)] ?? [])))
    .map((table) => shownName(tables, table))
    .join(', ')
}
