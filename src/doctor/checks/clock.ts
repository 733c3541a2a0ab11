import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { span } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_clock',
  repeatable: 'always',
  rows: 'one',
  columns: { nowMs: number },
  build: () => ({ select: { nowMs: sql`(extract(epoch from clock_timestamp()) * 1000)` }, from: sql`(select) as one` }),
})

const OFF_BY_MS = 5_000

/** Compares this machine's clock with the database's clock, which decides when entries expire. */
export const clock: Check = {
  name: 'clock',
  needsTables: false,
  async look({ runner, now }) {
    const before = now()
    const [row] = await runner.run(facts)
    const after = now()
    const theirs = row?.nowMs ?? after
    // The database read its clock at some instant between the two.
    const off = theirs < before ? theirs - before : Math.max(0, theirs - after)
    if (Math.abs(off) < OFF_BY_MS) return [ok("This machine's clock and the database's agree.")]
    return [
      {
        status: 'warning',
        what: `This machine's clock is ${span(Math.abs(off))} ${off < 0 ? 'ahead of' : 'behind'} the database's: deadlines that code gives as a Date are off by that much. TTLs such as 10m are not affected.`,
        advice: 'Synchronize the clock of this machine, for example with chrony or systemd-timesyncd.',
      },
    ]
  },
}
