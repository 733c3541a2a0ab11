import { bool } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { raw, sql } from '../../schema/sql.ts'
import { CAPABILITIES, missingCapabilities, missingMessage } from '../../values/capabilities.ts'
import { DatabaseError } from '../../values/errors.ts'
import { OLDEST_POSTGRES } from '../../values/versions.ts'
import { type Check, ok } from '../finding.ts'

const holding = (holds: string) =>
  operation({
    name: 'check_engine',
    repeatable: 'always',
    rows: 'one',
    columns: { holds: bool },
    build: () => ({ select: { holds: sql`(${raw(holds)})` }, from: sql`(select) as one` }),
  })

const everything = holding(CAPABILITIES.map(({ holds }) => `(${holds})`).join(' and '))

/** Checks that the server has every feature of Postgres that the cache needs, whatever the engine is called. */
export const engine: Check = {
  name: 'engine',
  needsTables: false,
  async look({ runner }) {
    const ask = async (of: ReturnType<typeof holding>) => (await runner.run(of))[0]?.holds === true
    const hasAll = await ask(everything).catch((error) => {
      if (error instanceof DatabaseError && error.sqlState !== undefined) return false
      throw error
    })
    const missing = hasAll
      ? []
      : await missingCapabilities(
          (holds) => ask(holding(holds)),
          (error) => (error instanceof DatabaseError ? error.sqlState : undefined),
        )
    if (missing.length === 0) return [ok('The server has every feature of Postgres that the cache needs.')]
    const advice = `Use a database on Postgres ${OLDEST_POSTGRES} or newer for the cache.`
    return [{ status: 'problem', what: missingMessage(missing), advice }]
  },
}
