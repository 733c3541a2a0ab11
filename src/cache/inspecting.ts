/** `count`, `stats`, `list`: methods that move no values. */
import type { Cache, CacheStats, EntryPage, ListOptions } from '../cache.ts'
import type { ListedRow } from '../store/inputs.ts'
import type { OperationEngine } from './engine.ts'
import { pageOf, parseList } from './listing.ts'
import { nothing, perform } from './perform.ts'

export function inspecting(engine: OperationEngine) {
  const { store, scope } = engine

  return {
    count: async (): Promise<number> =>
      perform(engine, { name: 'count', run: () => store.size(scope), report: nothing }),
    stats: async (): Promise<CacheStats> =>
      perform(engine, { name: 'stats', run: () => store.stats(scope), report: nothing }),
    async list(options?: ListOptions): Promise<EntryPage> {
      const input = parseList(scope, options)
      const run = () => store.list(scope, input)
      const rows = await perform<readonly ListedRow[]>(engine, { name: 'list', run, report: nothing })
      return pageOf(scope, rows, input.limit)
    },
  } satisfies Partial<Cache>
}
