import { sql } from 'drizzle-orm'
import { bool, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { type Check, type Observation, oidOf, ok, shownName } from '../finding.ts'

const facts = operation({
  name: 'check_settings',
  repeatable: 'always',
  rows: 'any number',
  columns: { isEntries: bool, options: text, toastOptions: text },
  build: (db, tables, answer) =>
    answer(db, {
      isEntries: sql`c.oid = ${oidOf(tables, tables.entries)}`,
      options: sql`coalesce(array_to_string(c.reloptions, ','), '')`,
      toastOptions: sql`coalesce(array_to_string(t.reloptions, ','), '')`,
    }).from(
      sql`pg_class as c left join pg_class as t on t.oid = c.reltoastrelid where c.oid in (${oidOf(tables, tables.entries)}, ${oidOf(tables, tables.leases)})`,
    ),
})

/** In all the ways that Postgres takes a no, which it keeps as it was written. */
const SWITCHED_OFF = /(^|,)autovacuum_enabled=(f|n|of|0)/i

/** Whether the tables have the storage settings that `migrate` gives them; other values are the operator's choice. */
export const settings: Check = {
  name: 'settings',
  needsTables: true,
  async look({ runner, tables }) {
    const seen: Observation[] = []
    for (const { isEntries, options, toastOptions } of await runner.run(facts)) {
      const name = shownName(tables, isEntries ? tables.entries : tables.leases)
      const has = (option: string) => options.split(',').some((one) => one.startsWith(`${option}=`))
      if (SWITCHED_OFF.test(options)) {
        const what = `Autovacuum is switched off for ${name}: dead rows pile up.`
        seen.push({ status: 'problem', what, advice: `alter table ${name} reset (autovacuum_enabled);` })
      }
      if (SWITCHED_OFF.test(toastOptions)) {
        const what = `Autovacuum is switched off for large values of ${name}: what they leave behind piles up.`
        seen.push({ status: 'problem', what, advice: `alter table ${name} reset (toast.autovacuum_enabled);` })
      }
      const missing = ['autovacuum_vacuum_scale_factor', 'fillfactor'].filter((option) => !has(option))
      if (isEntries && !toastOptions.includes('autovacuum_vacuum_scale_factor')) missing.push('toast autovacuum')
      if (missing.length > 0) {
        const what = `${name} lacks ${missing.join(', ')}: touches cost more, and vacuum comes late.`
        seen.push({ status: 'warning', what, advice: 'Run `pgstash migrate`, as the owner of the tables.' })
      }
    }
    return seen.length > 0 ? seen : [ok('Fillfactor and autovacuum are set.')]
  },
}
