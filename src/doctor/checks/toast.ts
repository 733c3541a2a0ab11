import { sql } from 'drizzle-orm'
import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { formatCount, bytes as size } from '../figures.ts'
import { type Check, oidOf, ok, shownName } from '../finding.ts'

const facts = operation({
  name: 'check_toast',
  repeatable: 'always',
  rows: 'at most one',
  columns: { live: number, dead: number, bytes: number },
  build: (db, tables, answer) =>
    answer(db, {
      live: sql`s.n_live_tup`,
      dead: sql`s.n_dead_tup`,
      bytes: sql`pg_relation_size(c.reltoastrelid)`,
    }).from(
      sql`pg_class as c join pg_stat_all_tables as s on s.relid = c.reltoastrelid where c.oid = ${oidOf(tables, tables.entries)}`,
    ),
})

/** Of a large value, as Postgres cuts it: four to a page. */
const CHUNK_BYTES = 2_048
const FEW_CHUNKS = 1_000
/** Less is not worth a rewrite. */
const SMALL_BYTES = 64 * 1024 * 1024
const BLOATED_FROM = 3

/** Whether the room of large values that are gone is used again. */
export const toast: Check = {
  name: 'toast',
  needsTables: true,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return [ok('No value is large enough for TOAST.')]
    const { live, dead, bytes } = row
    const what = `Large values take ${size(bytes)}; ${formatCount(dead, 'dead chunk')} against ${formatCount(live, 'live one')}.`
    if (dead >= FEW_CHUNKS && dead > live) {
      const advice = 'Vacuum does not keep up: `pgstash migrate` sets it for TOAST; then `vacuum` the table once.'
      return [{ status: 'warning', what, advice }]
    }
    if (bytes > SMALL_BYTES && bytes > BLOATED_FROM * (live + dead) * CHUNK_BYTES) {
      const name = shownName(tables, tables.entries)
      const advice = `It is used again as the cache grows; to give it back at once, \`vacuum full ${name}\`, which locks it, or pg_repack.`
      return [{ status: 'note', what: `Most of the room of large values is empty. ${what}`, advice }]
    }
    return [ok(what)]
  },
}
