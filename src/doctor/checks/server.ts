import { sql } from 'drizzle-orm'
import { bool, number, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { ENCODING, OLDEST_POSTGRES } from '../../values/versions.ts'
import { type Check, type Observation, ok } from '../finding.ts'

const facts = operation({
  name: 'check_server',
  repeatable: 'always',
  rows: 'one',
  columns: { version: number, encoding: text, isReplica: bool, isReadOnly: bool },
  build: (db, _tables, answer) =>
    answer(db, {
      version: sql`current_setting('server_version_num')::int`,
      encoding: sql`getdatabaseencoding()::text`,
      isReplica: sql`pg_is_in_recovery()`,
      isReadOnly: sql`current_setting('default_transaction_read_only')::boolean`,
    }).from(sql`(select) as one`),
})

/** Whether the server is new enough, and takes writes. */
export const server: Check = {
  name: 'server',
  needsTables: false,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const seen: Observation[] = []
    const version = Math.floor(row.version / 10_000)
    if (version < OLDEST_POSTGRES) {
      const advice = `Upgrade it: pgstash needs ${OLDEST_POSTGRES} or newer.`
      seen.push({ status: 'problem', what: `It is Postgres ${version}.`, advice })
    }
    if (row.encoding !== ENCODING) {
      const advice = 'Move the cache to a database in UTF8: others cannot hold every value.'
      seen.push({ status: 'problem', what: `The encoding of the database is ${row.encoding}.`, advice })
    }
    if (row.isReplica) {
      const advice = 'Give the cache the primary: a replica lags, and refuses what a cache writes.'
      seen.push({ status: 'problem', what: 'It is a replica.', advice })
    } else if (row.isReadOnly) {
      const advice = 'Set default_transaction_read_only to off for this role or database.'
      seen.push({ status: 'problem', what: 'Transactions are read-only by default.', advice })
    }
    return seen.length > 0 ? seen : [ok(`It is Postgres ${version}, and takes writes.`)]
  },
}
