/** Counts and listings of the Postgres store. */
import type { ListedRow } from '../store/inputs.ts'
import type { Store } from '../store/store.ts'
import { keyRange } from '../values/key.ts'
import { count } from './operations/count.ts'
import { list } from './operations/list.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'
import type { Session } from './session.ts'

export function listings(session: Session) {
  return {
    size: (scope) =>
      session(async (run) => {
        const [row] = await run(forScope(count, scope), { ...keyRange(scope) })
        return row?.count ?? 0
      }),
    stats: (scope) =>
      session(async (run) => {
        const [row] = await run(forScope(stats, scope), { ...keyRange(scope) })
        return { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false, ...row }
      }),
    list: (scope, { range, isDirect, state, limit, after }) =>
      session(async (run): Promise<ListedRow[]> => {
        // One row more than the limit shows whether there is a next page.
        const values = { ...range, after, limit: limit + 1, scopeLength: [...scope.prefix].length }
        const rows = await run(list[isDirect ? 'direct' : 'all'][state], values)
        return rows.map((row) => ({
          ...row,
          expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
          tags: row.tags ?? [],
          createdAt: new Date(row.createdAt),
          updatedAt: new Date(row.updatedAt),
        }))
      }),
  } satisfies Partial<Store>
}
