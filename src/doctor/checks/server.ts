import { bool, number, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { ENCODING, OLDEST_POSTGRES } from '../../values/versions.ts'
import { type Check, type Observation, ok } from '../finding.ts'

const facts = operation({
  name: 'check_server',
  repeatable: 'always',
  rows: 'one',
  columns: { version: number, encoding: text, isReplica: bool, isReadOnly: bool },
  build: () => ({
    select: {
      version: sql`current_setting('server_version_num')::int`,
      encoding: sql`getdatabaseencoding()::text`,
      isReplica: sql`pg_is_in_recovery()`,
      isReadOnly: sql`current_setting('default_transaction_read_only')::boolean`,
    },
    from: sql`(select) as one`,
  }),
})

/** Checks that the server is new enough and accepts writes. */
export const server: Check = {
  name: 'server',
  needsTables: false,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const seen: Observation[] = []
    const version = Math.floor(row.version / 10_000)
    if (version < OLDEST_POSTGRES) {
      const advice = `Upgrade to Postgres ${OLDEST_POSTGRES} or newer.`
      seen.push({ status: 'problem', what: `The server is Postgres ${version}, which is too old for pgstash.`, advice })
    }
    if (row.encoding !== ENCODING) {
      const what = `The encoding of the database is ${row.encoding}. It cannot store every value.`
      const advice = "Move the cache to a UTF8 database: create database cache encoding 'UTF8' template template0;"
      seen.push({ status: 'problem', what, advice })
    }
    if (row.isReplica) {
      const what = 'The server is a replica: it lags behind the primary and refuses writes.'
      seen.push({ status: 'problem', what, advice: 'Use the connection string of the primary for the cache.' })
    } else if (row.isReadOnly) {
      const what = 'Transactions are read-only by default, so the cache cannot write.'
      const advice = 'alter role … set default_transaction_read_only = off; or the same for the database.'
      seen.push({ status: 'problem', what, advice })
    }
    return seen.length > 0 ? seen : [ok(`The server is Postgres ${version} and accepts writes.`)]
  },
}
