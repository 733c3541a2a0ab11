/** `count`, `stats`, `list`: methods that transfer no values. */
import type { Cache, CacheStats, CountOptions, EntryPage, ListOptions, StatsOptions } from '../cache.ts'
import { countWithProgress, parseCountOptions, parseStatsOptions } from './counting-options.ts'
import type { OperationEngine } from './engine.ts'
import { pageOf, parseList } from './listing.ts'
import { nothing, perform, replyWith } from './perform.ts'

export function inspecting(engine: OperationEngine) {
  const { store, scope } = engine

  return {
    async count(options?: CountOptions): Promise<number> {
      const input = parseCountOptions(options)
      return perform<number>(engine, {
        name: 'count',
        async run() {
          if (input !== undefined) {
            return countWithProgress(
              input,
              (own) => store.size(scope, own),
              ({ value }) => value,
            )
          }
          const reply = await store.stats(scope)
          return replyWith(reply, reply.value.unexpired + reply.value.forever)
        },
        report: nothing,
      })
    },
    async stats(options?: StatsOptions): Promise<CacheStats> {
      const input = parseStatsOptions(options)
      const run = () =>
        input === undefined
          ? store.stats(scope)
          : countWithProgress(
              input,
              (own) => store.stats(scope, own),
              ({ value }) => value.total,
            )
      return perform(engine, { name: 'stats', run, report: nothing })
    },
    async list(options?: ListOptions): Promise<EntryPage> {
      const input = parseList(scope, options)
      return perform<EntryPage>(engine, {
        name: 'list',
        async run() {
          const reply = await store.list(scope, input)
          return replyWith(reply, pageOf(scope, reply, input.limit))
        },
        report: nothing,
      })
    },
  } satisfies Partial<Cache>
}
