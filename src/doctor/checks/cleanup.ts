import { nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { cleanupSlot, FIRST_SLOT } from '../../schema/cleanup-slot.ts'
import { TAG_STATE } from '../../schema/rejected.ts'
import { raw, sql } from '../../schema/sql.ts'
import { walkThrough } from '../../schema/walk.ts'
import { formatCount, span } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

/** Counts at most this many entries. A higher number would lead to the same advice. */
const MOST = 100_000

const facts = operation({
  name: 'check_cleanup',
  repeatable: 'always',
  rows: 'one',
  columns: { waiting: number, oldestMs: nullable(number), lastRunMs: nullable(number) },
  build({ entries, state }) {
    const slots = walkThrough(entries.cleanupSlot, FIRST_SLOT, cleanupSlot(sql`now()`))
    const isDue = sql`${slots} and ${entries.keptUntil} <= now()`
    return {
      select: {
        waiting: sql`(select count(*) from (select from ${entries} where ${isDue} limit ${MOST}) as due)`,
        oldestMs: sql`(select extract(epoch from now() - ${entries.keptUntil}) * 1000 from ${entries}
        where ${isDue} order by ${entries.cleanupSlot} limit 1)`,
        // Only a cleanup of the whole table leaves a mark.
        lastRunMs: sql`(select extract(epoch from now() - ${state.updatedAt}) * 1000 from ${state}
        where ${state.name} = ${raw(`'${TAG_STATE.cleanup}'`)} and ${state.value} <> '{}')`,
      },
      from: sql`(select) as one`,
    }
  },
})

/** A daily cleanup is the rarest that is reasonable, and it may be two hours late. */
const LATE_MS = 26 * 3_600_000

/** Checks that something deletes expired entries. */
export const cleanup: Check = {
  name: 'cleanup',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const { waiting, oldestMs, lastRunMs } = row
    const ran =
      lastRunMs === null ? 'no run over the whole table is known' : `the last run was about ${span(lastRunMs)} ago`
    if (waiting === 0 || oldestMs === null) return [ok(`No expired entry waits for cleanup; ${ran}.`)]
    const many = `${waiting === MOST ? 'At least ' : ''}${formatCount(waiting, 'expired entry waits', 'expired entries wait')}`
    const what = `${many} for cleanup, the oldest for ${span(oldestMs)}; ${ran}.`
    if (oldestMs < LATE_MS) return [ok(what)]
    return [
      {
        status: 'warning',
        what: `No cleanup seems to run, so the table grows. ${what}`,
        advice:
          'Run `pgstash clear-expired` now. Then run it regularly: with `pgstash schedule`, pgstash/cron or a cron job.',
      },
    ]
  },
}
