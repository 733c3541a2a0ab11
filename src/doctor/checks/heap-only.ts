import { sql } from 'drizzle-orm'
import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { formatCount, percent } from '../figures.ts'
import { type Check, oidOf, ok } from '../finding.ts'

const facts = operation({
  name: 'check_heap_only',
  repeatable: 'always',
  rows: 'at most one',
  columns: { updates: number, heapOnly: number },
  build: (db, tables, answer) =>
    answer(db, { updates: sql`s.n_tup_upd`, heapOnly: sql`s.n_tup_hot_upd` }).from(
      sql`pg_stat_all_tables as s where s.relid = ${oidOf(tables, tables.entries)}`,
    ),
})

/** Fewer say nothing. */
const FEW_UPDATES = 1_000
/** A `set` that moves the deadline to another slot cannot be heap-only; touches and counters nearly all are. */
const LOW = 0.5

/** Whether updates leave the indexes alone (HOT). */
export const heapOnly: Check = {
  name: 'heap-only',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.updates < FEW_UPDATES) return [ok('Too few updates to judge.')]
    const share = row.heapOnly / row.updates
    const what = `${percent(share)} of ${formatCount(row.updates, 'update')} left the indexes alone.`
    if (share >= LOW) return [ok(what)]
    return [
      {
        status: 'note',
        what,
        advice:
          'Normal where most writes are new deadlines of old keys. Else: an index on a column that moves (see indexes), or a fillfactor of 100 (see settings).',
      },
    ]
  },
}
