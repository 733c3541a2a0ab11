import { sql } from 'drizzle-orm'
import { bool, nullable } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { isFromFuture } from '../../postgres/operations/history.ts'
import { CLUSTER_IDENTITY } from '../../schema/cluster.ts'
import { hasFutureNotes, isCopied } from '../../schema/foreign-rows.ts'
import { TAG_STATE } from '../../schema/rejected.ts'
import { qualified } from '../../schema/sql-text.ts'
import { type Check, ok } from '../finding.ts'

/** No index has the snapshots, so only so many entries are read. */
const MAX_ENTRIES = 100_000

const facts = operation({
  name: 'check_history',
  repeatable: 'always',
  rows: 'one',
  columns: { isElsewhere: nullable(bool), isCopied: nullable(bool), hasFutureRows: bool },
  build(db, tables, answer) {
    const { entries, state } = tables
    const names = {
      leases: qualified(tables, tables.leases),
      log: qualified(tables, tables.invalidations),
      changes: qualified(tables, tables.changes),
      state: qualified(tables, state),
    }
    const recorded = sql`(select s.value from ${state} as s where s.name = ${sql.raw(`'${TAG_STATE.cluster}'`)})`
    return answer(db, {
      isElsewhere: sql`${recorded} <> ${sql.raw(CLUSTER_IDENTITY)}`,
      isCopied: sql.raw(isCopied(names.state)),
      hasFutureRows: sql`${sql.raw(hasFutureNotes(names))} or exists (
        select from (select ${entries.filledAt} as filled_at from ${entries} where ${entries.tags} is not null limit ${sql.raw(String(MAX_ENTRIES))}) as e
        where ${isFromFuture(sql`e.filled_at`)})`,
    }).from(sql`(select) as one`)
  },
})

/** Whether the transaction ids in the rows are those of this server. */
export const history: Check = {
  name: 'history',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    // Copies within a server are right, but only a role that may ask which server this is can tell.
    if (row === undefined || (!(row.isElsewhere ?? row.isCopied ?? false) && !row.hasFutureRows)) {
      return [ok('The rows are of this server, and none is from the future.')]
    }
    const what = row.hasFutureRows
      ? 'Rows of the cache name transactions of the future: they are of another server, or its ids went back.'
      : 'The rows of the cache were copied from another server.'
    const advice = 'Run `pgstash migrate`. Until then, tagged entries may be stale.'
    return [{ status: 'problem', what, advice }]
  },
}
