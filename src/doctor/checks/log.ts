import { sql } from 'drizzle-orm'
import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { formatCount, bytes as size } from '../figures.ts'
import { type Check, oidOf, ok } from '../finding.ts'

/** Counted no further. */
const MOST = 1_000_000
const MANY = 100_000

const facts = operation({
  name: 'check_log',
  repeatable: 'always',
  rows: 'one',
  columns: { rows: number, bytes: number },
  build: (db, tables, answer) =>
    answer(db, {
      rows: sql`(select count(*) from (
        select from ${tables.invalidations} limit ${sql.raw(String(MOST))}) as l)`,
      bytes: sql`pg_total_relation_size(${oidOf(tables, tables.invalidations)})`,
    }).from(sql`(select) as one`),
})

/** How large the log of invalidations is: reads of tagged entries look into it. */
export const log: Check = {
  name: 'log',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const rows = `${row.rows === MOST ? 'at least ' : ''}${formatCount(row.rows, 'row')}`
    const what = `The log of invalidations has ${rows}, and takes ${size(row.bytes)}.`
    if (row.rows < MANY) return [ok(what)]
    return [
      {
        status: 'warning',
        what,
        advice:
          'Only a cleanup without a namespace trims it, two runs and ten minutes later: run `pgstash clear-expired` regularly. An open transaction holds it back.',
      },
    ]
  },
}
