import { sql } from 'drizzle-orm'
import { nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { isBackoff, PASS } from '../../postgres/operations/lease.ts'
import { formatCount, span } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const MOST = 100_000

const facts = operation({
  name: 'check_leases',
  repeatable: 'always',
  rows: 'one',
  columns: { held: number, lost: number, oldestMs: nullable(number) },
  build: (db, { leases }, answer) =>
    answer(db, {
      held: sql`(count(*) filter (where l.expires_at > now()))`,
      lost: sql`(count(*) filter (where l.expires_at <= now()))`,
      oldestMs: sql`(extract(epoch from now() - min(l.expires_at)) * 1000)`,
    }).from(sql`(
      select ${leases.expiresAt} from ${leases}
      where ${leases.token} <> ${PASS} and not ${isBackoff(leases.token)} limit ${sql.raw(String(MOST))}
    ) as l`),
})

/** Cleanup forgets them ten minutes after they ran out; an hour later it has not come. */
const FORGOTTEN_MS = 3_600_000
const MANY_LOST = 100

/** Computations that are under way, and those that never came back. */
export const leases: Check = {
  name: 'leases',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.held + row.lost === 0) return [ok('Nothing is being computed.')]
    const oldest = row.oldestMs ?? 0
    const held = `${formatCount(row.held, 'key is', 'keys are')} being computed`
    if (row.lost === 0) return [ok(`${held}.`)]
    const what = `${held}; ${formatCount(row.lost, 'computation')} ran out of time or died, the oldest ${span(oldest)} ago.`
    const isBad = row.lost >= MANY_LOST || oldest > FORGOTTEN_MS
    return [
      {
        status: isBad ? 'warning' : 'note',
        what,
        advice:
          'They hold up nobody. If there are many, computations take longer than `lease`, or are killed: raise it, or look at their errors. Cleanup forgets them.',
      },
    ]
  },
}
