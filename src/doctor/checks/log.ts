import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf } from '../../schema/table-names.ts'
import { formatCount, bytes as size } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

/** Counts at most this many rows. */
const MOST = 1_000_000
const MANY = 100_000

const facts = operation({
  name: 'check_log',
  repeatable: 'always',
  rows: 'one',
  columns: { rows: number, bytes: number },
  build: (tables) => ({
    select: {
      rows: sql`(select count(*) from (
        select from ${tables.invalidations} limit ${MOST}) as l)`,
      bytes: sql`pg_total_relation_size(${oidOf(tables.invalidations)})`,
    },
    from: sql`(select) as one`,
  }),
})

/** Checks the size of the log of invalidations, because reads of tagged entries search it. */
export const log: Check = {
  name: 'log',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const rows = `${row.rows === MOST ? 'at least ' : ''}${formatCount(row.rows, 'row')}`
    const what = `The log of invalidations has ${rows} and takes ${size(row.bytes)}.`
    if (row.rows < MANY) return [ok(what)]
    return [
      {
        status: 'warning',
        what: `${what} Reads of tagged entries search it, so they become slower.`,
        advice:
          'Run `pgstash clear-expired` regularly and without --namespace. It trims rows after two runs and ten minutes, but not while an older transaction is open (see transactions).',
      },
    ]
  },
}
