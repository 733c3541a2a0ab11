/** `count`, `stats`, `list`: what is there, without values. */
import type { Cache, CacheStats, EntryPage, ListOptions } from '../cache.ts'
import type { Internals } from '../store/internals.ts'
import { type ListInput, pageOf, parseList, type Row, rowsWithin } from '../store/listing.ts'
import type { Cost } from '../values/events.ts'
import { keyRange } from '../values/key.ts'
import type { Context } from './context.ts'
import { observed } from './observed.ts'
import { count } from './operations/count.ts'
import { list } from './operations/list.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'

export function inspecting(context: Context) {
  const { runner, scope } = context
  const range = keyRange(scope)
  // There is nothing to tell of them but failures.
  const outcome = () => []

  async function listed({ range, isDirect, state, limit, after }: ListInput): Promise<Row[]> {
    // One more than asked tells whether there is a next page.
    const asked = { ...range, after, limit: limit + 1, scopeLength: [...scope.prefix].length }
    const run = (cost: Cost) => runner.run(list[isDirect ? 'direct' : 'all'][state], asked, cost)
    const rows = await observed(context, { operation: 'list', run, outcome })
    return rows.map((row) => ({
      ...row,
      expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
      tags: row.tags ?? [],
      createdAt: new Date(row.createdAt),
      updatedAt: new Date(row.updatedAt),
    }))
  }

  return {
    async count(): Promise<number> {
      const run = (cost: Cost) => runner.run(forScope(count, scope), { ...range }, cost)
      const [row] = await observed(context, { operation: 'count', run, outcome })
      return row?.count ?? 0
    },
    async stats(): Promise<CacheStats> {
      const run = (cost: Cost) => runner.run(forScope(stats, scope), { ...range }, cost)
      const [row] = await observed(context, { operation: 'stats', run, outcome })
      return { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false, ...row }
    },
    rows: rowsWithin(scope, listed),
    async list(options?: ListOptions): Promise<EntryPage> {
      const input = parseList(scope, options)
      return pageOf(scope, await listed(input), input.limit)
    },
  } satisfies Partial<Cache> & Pick<Internals, 'rows'>
}
