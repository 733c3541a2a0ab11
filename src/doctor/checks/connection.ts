import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { type Check, ok } from '../finding.ts'

const nothing = operation({
  name: 'check_connection',
  repeatable: 'always',
  rows: 'one',
  columns: { one: number },
  build: () => ({ select: { one: sql`1` }, from: sql`(select) as one` }),
})

const TRIPS = 5
/** At this latency, a page that makes three calls in sequence feels slow. */
const SLOW_MS = 100

/** Checks that the database answers, and how fast. Each hit takes at least this long. */
export const connection: Check = {
  name: 'connection',
  needsTables: false,
  async look({ runner, isHttp, now }) {
    // The first query opens the connection, so it does not count.
    await runner.run(nothing)
    const trips: number[] = []
    for (let i = 0; i < TRIPS; i++) {
      const startedAt = now()
      await runner.run(nothing)
      trips.push(now() - startedAt)
    }
    const median = trips.sort((a, b) => a - b)[Math.floor(TRIPS / 2)] ?? 0
    const what = `The database answers in ${median} ms, over ${isHttp ? 'HTTP' : 'TCP'} from this machine.`
    if (median < SLOW_MS) return [ok(what)]
    return [
      {
        status: 'note',
        what: `${what} Each hit takes at least this long.`,
        advice: 'Run your code in the region of the database. If it already does, ignore this note.',
      },
    ]
  },
}
