import { number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf, shownName } from '../../schema/table-names.ts'
import { formatCount, bytes as size } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_toast',
  repeatable: 'always',
  rows: 'at most one',
  columns: { live: number, dead: number, bytes: number },
  build: (tables) => ({
    select: {
      live: sql`s.n_live_tup`,
      dead: sql`s.n_dead_tup`,
      bytes: sql`pg_relation_size(c.reltoastrelid)`,
    },
    from: sql`pg_class as c join pg_stat_all_tables as s on s.relid = c.reltoastrelid where c.oid = ${oidOf(tables.entries)}`,
  }),
})

/** Postgres cuts large values into chunks, four to a page. */
const CHUNK_BYTES = 2_048
const FEW_CHUNKS = 1_000
/** Less space is not worth a rewrite of the table. */
const SMALL_BYTES = 64 * 1024 * 1024
const BLOATED_FROM = 3

/** Checks that the space of deleted large values is reused. */
export const toast: Check = {
  name: 'toast',
  needsTables: true,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return [ok('No value is large enough for TOAST.')]
    const { live, dead, bytes } = row
    const name = shownName(tables, tables.entries)
    const what = `Large values take ${size(bytes)}, in ${formatCount(dead, 'dead chunk')} and ${formatCount(live, 'live chunk')}.`
    if (dead >= FEW_CHUNKS && dead > live) {
      const advice = `Run \`pgstash migrate\`, which sets autovacuum for large values. Then run once: vacuum ${name};`
      return [{ status: 'warning', what: `${what} Vacuum does not keep up, so the table grows.`, advice }]
    }
    if (bytes > SMALL_BYTES && bytes > BLOATED_FROM * (live + dead) * CHUNK_BYTES) {
      const advice = `To free the space now, run: vacuum full ${name}; It locks the table; pg_repack does not.`
      return [{ status: 'note', what: `${what} Most of this space is empty. New large values reuse it.`, advice }]
    }
    return [ok(what)]
  },
}
