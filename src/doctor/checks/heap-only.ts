import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf } from '../../schema/table-names.ts'
import { formatCount, percent } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_heap_only',
  repeatable: 'always',
  rows: 'at most one',
  columns: { updates: number, heapOnly: number },
  build: (tables) => ({
    select: { updates: sql`s.n_tup_upd`, heapOnly: sql`s.n_tup_hot_upd` },
    from: sql`pg_stat_all_tables as s where s.relid = ${oidOf(tables.entries)}`,
  }),
})

/** Fewer updates are no basis for a judgement. */
const FEW_UPDATES = 1_000
/** A `set` that moves the deadline to another slot cannot be heap-only. Nearly all touches and counters are. */
const LOW = 0.5

/** Checks how many updates are heap-only (HOT), which means that they write to no index. */
export const heapOnly: Check = {
  name: 'heap-only',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.updates < FEW_UPDATES) return [ok('There are too few updates to judge.')]
    const share = row.heapOnly / row.updates
    const what = `${percent(share)} of ${formatCount(row.updates, 'update')} were heap-only: they wrote to no index.`
    if (share >= LOW) return [ok(what)]
    return [
      {
        status: 'note',
        what: `${what} The others cost more, but are normal if most writes set new deadlines for existing keys.`,
        advice:
          'Otherwise, drop extra indexes (see indexes), and run `pgstash migrate`, which sets a fillfactor below 100 (see settings).',
      },
    ]
  },
}
