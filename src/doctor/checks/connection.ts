import { sql } from 'drizzle-orm'
import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { type Check, ok } from '../finding.ts'

const nothing = operation({
  name: 'check_connection',
  repeatable: 'always',
  rows: 'one',
  columns: { one: number },
  build: (db, _tables, answer) => answer(db, { one: sql`1` }).from(sql`(select) as one`),
})

const TRIPS = 5
/** From there on a page that asks for three things in turn is felt to be slow. */
const SLOW_MS = 100

/** Whether the database answers, and how long that takes: what each hit costs at least. */
export const connection: Check = {
  name: 'connection',
  needsTables: false,
  async look({ runner, isHttp, now }) {
    // The first one connects.
    await runner.run(nothing)
    const trips: number[] = []
    for (let i = 0; i < TRIPS; i++) {
      const startedAt = now()
      await runner.run(nothing)
      trips.push(now() - startedAt)
    }
    const median = trips.sort((a, b) => a - b)[Math.floor(TRIPS / 2)] ?? 0
    const what = `It answers in ${median} ms, over ${isHttp ? 'HTTP' : 'TCP'} and from here.`
    if (median < SLOW_MS) return [ok(what)]
    return [{ status: 'note', what, advice: 'A hit costs that much wherever it is so far away: run the code nearby.' }]
  },
}
