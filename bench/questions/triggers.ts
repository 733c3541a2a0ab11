import { measure, rateCells, slicesOf, type Variant } from '../harness/measure.ts'
import type { Case, Question } from '../harness/question.ts'
import { openSites } from '../harness/site.ts'

const ROWS = 20_000
const WIDE = 1_000
const KINDS = [
  ['not watched', 'plain'],
  ['watched', 'watched'],
  ['watched with rows', 'watched_rows'],
] as const

export default {
  title: 'What does a watched table cost its writers?',
  about: `Updates over TCP, one at a time, each a transaction of its own. A watched table has a trigger that notes the table, and the rows
    if asked to, in the log of invalidations.`,
  async run(bench) {
    const single: Variant[] = []
    const wide: Variant[] = []
    for (const { checkout, name, pool, db, cache } of await openSites(bench)) {
      const { watchTables } = await checkout.entry<typeof import('pgstash/drizzle')>('drizzle')
      for (const [kind, table] of KINDS) {
        await pool.query(`create table ${table} (id int primary key, name text, n int)`)
        await pool.query(`insert into ${table} select i, repeat('x', 100), 0 from generate_series(1, ${ROWS}) i`)
        const one = { name: table, text: `update ${table} set n = n + 1 where id = $1` }
        const many = { name: `${table}_wide`, text: `update ${table} set n = n + 1 where id between $1 and $2` }
        const before = () => cache.clearExpired()
        const label = `${name}, ${kind}`
        single.push({ name: label, before, run: (i) => pool.query({ ...one, values: [1 + ((i * 7) % ROWS)] }) })
        const ids = (i: number) => [((i * WIDE) % ROWS) + 1, ((i * WIDE) % ROWS) + WIDE]
        wide.push({ name: label, before, operations: WIDE, run: (i) => pool.query({ ...many, values: ids(i) }) })
      }
      await watchTables(db, ['watched'])
      await watchTables(db, ['watched_rows'], { rows: true })
    }
    const baseline = 'pgstash, not watched'
    const cases: Case[] = [
      { name: 'updates of one row', cells: rateCells(await measure(single, slicesOf(bench.settings)), baseline) },
      { name: 'rows in updates of 1,000', cells: rateCells(await measure(wide, slicesOf(bench.settings)), baseline) },
    ]
    return [{ title: 'Rows updated', unit: 'calls per second', better: 'higher', cases }]
  },
} satisfies Question
