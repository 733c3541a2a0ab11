import { sql } from 'drizzle-orm'
import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { span } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_clock',
  repeatable: 'always',
  rows: 'one',
  columns: { nowMs: number },
  build: (db, _tables, answer) =>
    answer(db, { nowMs: sql`(extract(epoch from clock_timestamp()) * 1000)` }).from(sql`(select) as one`),
})

const OFF_BY_MS = 5_000

/** How far this machine's clock is from the database's, by which everything expires. */
export const clock: Check = {
  name: 'clock',
  needsTables: false,
  async look({ runner, now }) {
    const before = now()
    const [row] = await runner.run(facts)
    const after = now()
    const theirs = row?.nowMs ?? after
    // It was asked at some instant between the two.
    const off = theirs < before ? theirs - before : Math.max(0, theirs - after)
    if (Math.abs(off) < OFF_BY_MS) return [ok("This machine's clock and the database's agree.")]
    return [
      {
        status: 'warning',
        what: `This machine's clock is ${span(Math.abs(off))} ${off < 0 ? 'ahead of' : 'behind'} the database's.`,
        advice: 'Spans are right all the same; deadlines given as a Date are off by that much. Synchronize the clocks.',
      },
    ]
  },
}
