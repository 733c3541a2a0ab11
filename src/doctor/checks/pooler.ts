import { nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_pooler',
  repeatable: 'always',
  rows: 'one',
  columns: { port: nullable(number) },
  build: () => ({ select: { port: sql`inet_server_port()` }, from: sql`(select) as one` }),
})

/** Checks for a pooler in front of Postgres, because some poolers do not support prepared statements. */
export const pooler: Check = {
  name: 'pooler',
  needsTables: false,
  async look({ runner, host, port, isHttp }) {
    if (isHttp) return [ok('Over HTTP, the proxy pools connections.')]
    const [row] = await runner.run(facts)
    const isNamedSo = /(^|[-.])pooler\./.test(host)
    // On a socket, Postgres reports no port.
    const isElsewhere = row !== undefined && row.port !== null && row.port !== port
    if (!isNamedSo && !isElsewhere) return [ok('The connection goes directly to Postgres.')]
    return [
      {
        status: 'note',
        what: `${
          isNamedSo
            ? 'The name of the host says that it is a pooler.'
            : `The server listens on another port (${row?.port}) than the connection uses, so there is a pooler or a forwarded port.`
        } Some poolers do not support prepared statements.`,
        advice: 'If yours does not (PgBouncer before 1.21), pass `preparedNames: false` to createCache.',
      },
    ]
  },
}
