/** Counts and listings of the Postgres store. */

import type { CacheStats } from '../cache.ts'
import type { CountingInput, ListedRow } from '../store/inputs.ts'
import type { Store } from '../store/store.ts'
import { keyRange, type Scope } from '../values/key.ts'
import { countInParts } from './count-in-parts.ts'
import { type Listed, list } from './operations/list.ts'
import { readPage } from './operations/looked-at.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'
import type { Run, Session } from './session.ts'

export function listings(session: Session) {
  const exact = (scope: Scope, input: CountingInput) => session((run) => countInParts(run, scope, input))
  return {
    async size(scope, input = {}) {
      const { value, cost } = await exact(scope, input)
      return { value: value.unexpired + value.forever, cost }
    },
    stats: (scope, input) => (input === undefined ? session((run) => estimate(run, scope)) : exact(scope, input)),
    async list(scope, { range, isDirect, state, limit, after }) {
      let next: string | undefined
      const reply = await session(async (run): Promise<ListedRow[]> => {
        // One more row than the limit shows whether there is a next page.
        const values = { ...range, after, limit: limit + 1, scopeLength: [...scope.prefix].length }
        const rows = await run(list[isDirect ? 'direct' : 'all'][state], values)
        const page = readPage(rows)
        next = page.next
        return page.found.map(toListedRow)
      })
      return { ...reply, next }
    },
  } satisfies Partial<Store>
}

async function estimate(run: Run, scope: Scope): Promise<CacheStats> {
  const [row] = await run(forScope(stats, scope), { ...keyRange(scope) })
  return { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false, ...row }
}

function toListedRow({ isFound: _, isEdge: __, ...row }: Listed): ListedRow {
  return {
    ...row,
    expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
    tags: row.tags ?? [],
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
  }
}
