import { sql } from 'drizzle-orm'
import { nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_pooler',
  repeatable: 'always',
  rows: 'one',
  columns: { port: nullable(number) },
  build: (db, _tables, answer) => answer(db, { port: sql`inet_server_port()` }).from(sql`(select) as one`),
})

/** Whether something stands between, which need not know prepared statements. */
export const pooler: Check = {
  name: 'pooler',
  needsTables: false,
  async look({ runner, host, port, isHttp }) {
    if (isHttp) return [ok('Over HTTP the proxy pools; there is nothing to do.')]
    const [row] = await runner.run(facts)
    const isNamedSo = /(^|[-.])pooler\./.test(host)
    // Through a socket Postgres knows of no port.
    const isElsewhere = row !== undefined && row.port !== null && row.port !== port
    if (!isNamedSo && !isElsewhere) return [ok('The connection goes to Postgres itself.')]
    return [
      {
        status: 'note',
        what: isNamedSo
          ? "The host's name says that it is a pooler."
          : `The server listens on another port (${row?.port}) than was connected to: a pooler, or a forwarded port.`,
        advice: 'One that does not track prepared statements (PgBouncer before 1.21) needs `preparedNames: false`.',
      },
    ]
  },
}
