import { bool, nullable } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { isFromFuture } from '../../postgres/operations/history.ts'
import { CLUSTER_IDENTITY } from '../../schema/cluster.ts'
import { hasFutureNotes, isCopied } from '../../schema/foreign-rows.ts'
import { TAG_STATE } from '../../schema/rejected.ts'
import { raw, sql } from '../../schema/sql.ts'
import { type Check, ok } from '../finding.ts'

/** The check reads at most this many entries, because no index has the snapshots. */
const MAX_ENTRIES = 100_000

const facts = operation({
  name: 'check_history',
  repeatable: 'always',
  rows: 'one',
  columns: { isElsewhere: nullable(bool), isCopied: nullable(bool), hasFutureRows: bool },
  build(tables) {
    const { entries, state } = tables
    const names = {
      leases: tables.leases.text,
      log: tables.invalidations.text,
      changes: tables.changes.text,
      state: state.text,
    }
    const recorded = sql`(select s.value from ${state} as s where s.name = ${raw(`'${TAG_STATE.cluster}'`)})`
    return {
      select: {
        isElsewhere: sql`${recorded} <> ${raw(CLUSTER_IDENTITY)}`,
        isCopied: raw(isCopied(names.state)),
        hasFutureRows: sql`${raw(hasFutureNotes(names))} or exists (
        select from (select ${entries.filledAt} as filled_at from ${entries} where ${entries.tags} is not null limit ${MAX_ENTRIES}) as e
        where ${isFromFuture(sql`e.filled_at`)})`,
      },
      from: sql`(select) as one`,
    }
  },
})

/** Checks that the transaction ids in the rows come from this server. */
export const history: Check = {
  name: 'history',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    // Copies within one server are fine. Only a role that may read the server's identity can distinguish them.
    if (row === undefined || (!(row.isElsewhere ?? row.isCopied ?? false) && !row.hasFutureRows)) {
      return [ok('The rows come from this server, and none is from the future.')]
    }
    const cause = row.hasFutureRows
      ? 'Rows of the cache name future transactions, because they come from another server or this one was restored.'
      : 'The rows of the cache were copied from another server.'
    const what = `${cause} Tagged entries may be stale.`
    const advice = 'Run `pgstash migrate`.'
    return [{ status: 'problem', what, advice }]
  },
}
