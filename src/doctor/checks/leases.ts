import { nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { HIT_FOR_MISS, isBackoff } from '../../postgres/operations/lease.ts'
import { sql } from '../../schema/sql.ts'
import { formatCount, span } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const MOST = 100_000

const facts = operation({
  name: 'check_leases',
  repeatable: 'always',
  rows: 'one',
  columns: { held: number, lost: number, oldestMs: nullable(number) },
  build: ({ leases }) => ({
    select: {
      held: sql`(count(*) filter (where l.expires_at > now()))`,
      lost: sql`(count(*) filter (where l.expires_at <= now()))`,
      oldestMs: sql`(extract(epoch from now() - min(l.expires_at)) * 1000)`,
    },
    from: sql`(
      select ${leases.expiresAt} from ${leases}
      where ${leases.token} <> ${HIT_FOR_MISS} and not ${isBackoff(leases.token)} limit ${MOST}
    ) as l`,
  }),
})

/** Cleanup deletes leases ten minutes after they ran out. After an hour, no cleanup has run. */
const FORGOTTEN_MS = 3_600_000
const MANY_LOST = 100

/** Counts computations in progress, and computations that never finished. */
export const leases: Check = {
  name: 'leases',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.held + row.lost === 0) return [ok('Nothing is being computed.')]
    const oldest = row.oldestMs ?? 0
    const held = `${formatCount(row.held, 'key is', 'keys are')} being computed`
    if (row.lost === 0) return [ok(`${held}.`)]
    const what = `${held}; ${formatCount(row.lost, 'computation')} ran out of time or died, the oldest ${span(oldest)} ago. No caller waits for them.`
    const isBad = row.lost >= MANY_LOST || oldest > FORGOTTEN_MS
    return [
      {
        status: isBad ? 'warning' : 'note',
        what,
        advice:
          'If there are many, computations take longer than `lease` or their process is killed: raise the option `lease`, or look for errors in your logs. `pgstash clear-expired` deletes the leftovers.',
      },
    ]
  },
}
