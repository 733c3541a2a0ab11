/** `count`, `stats`, `list`: methods that move no values. */
import type { Cache, CacheStats, EntryPage, ListOptions } from '../cache.ts'
import type { ListedRow, ListInput } from '../store/inputs.ts'
import type { ScopedEngine } from './engine.ts'
import type { Internals } from './internals.ts'
import { pageOf, parseList, rowsWithin } from './listing.ts'
import { nothing, perform } from './perform.ts'

export function inspecting(engine: ScopedEngine) {
  const { store, scope } = engine

  const listed = async (input: ListInput) =>
    perform<readonly ListedRow[]>(engine, { name: 'list', run: () => store.list(scope, input), report: nothing })

  return {
    count: async (): Promise<number> =>
      perform(engine, { name: 'count', run: () => store.size(scope), report: nothing }),
    stats: async (): Promise<CacheStats> =>
      perform(engine, { name: 'stats', run: () => store.stats(scope), report: nothing }),
    rows: rowsWithin(scope, listed),
    async list(options?: ListOptions): Promise<EntryPage> {
      const input = parseList(scope, options)
      return pageOf(scope, await listed(input), input.limit)
    },
  } satisfies Partial<Cache> & Pick<Internals, 'rows'>
}
