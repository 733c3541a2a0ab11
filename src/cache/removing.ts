/** `delete`, `deleteMany`, `pull`, `clear`, `clearExpired`, `invalidate`: methods that make entries absent. */
import type { Cache, CacheSnapshot, CleanupResult, ClearExpiredOptions, ClearOptions } from '../cache.ts'
import { decodeRow } from '../store/decode-row.ts'
import { byCodePoint, storedKey, storedKeys } from '../values/key.ts'
import type { OperationEngine } from './engine.ts'
import { asSnapshot, parseClear, parseSweep, parseTags } from './inputs.ts'
import { nothing, outcome, perform, replyWith } from './perform.ts'

export function removing(engine: OperationEngine) {
  const { store, scope, codec } = engine
  const report = (count: number) => outcome('delete', count)

  return {
    async delete(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const run = () => store.remove([stored])
      return (await perform(engine, { name: 'delete', key, stored, run, report, changes: [stored] })) > 0
    },
    async deleteMany(keys: Iterable<string>): Promise<number> {
      const stored = [...storedKeys(scope, keys).keys()].sort(byCodePoint)
      if (stored.length === 0) return 0
      const run = () => store.remove(stored)
      return perform(engine, { name: 'deleteMany', run, report, changes: stored })
    },
    pull: (async (key: string) => {
      const stored = storedKey(scope, key)
      const pulled = await perform<{ value: unknown } | undefined>(engine, {
        name: 'pull',
        key,
        stored,
        async run() {
          const reply = await store.take(stored)
          return replyWith(reply, reply.value && { value: await decodeRow(reply.value, stored, codec) })
        },
        report: (taken) => report(taken === undefined ? 0 : 1),
        changes: [stored],
      })
      return pulled?.value
    }) as Cache['pull'],
    async clear(options?: ClearOptions): Promise<number> {
      const cleared = options === undefined ? scope : parseClear(scope, options)
      return perform(engine, { name: 'clear', run: () => store.clear(cleared), report, changes: 'all' })
    },
    async clearExpired(options?: ClearExpiredOptions): Promise<CleanupResult> {
      const input = parseSweep(options)
      return perform(engine, {
        name: 'clearExpired',
        run: () => store.sweep(scope, input),
        report: (result: CleanupResult) => outcome('cleanup', result.removed + (result.evicted ?? 0)),
      })
    },
    async invalidate(tags: string | Iterable<string>): Promise<void> {
      const stored = parseTags(tags)
      if (stored === null) return
      await perform<void>(engine, {
        name: 'invalidate',
        run: () => store.invalidate(stored),
        report: () => outcome('invalidate', stored.length),
        // Only the store knows which keys have these tags.
        changes: 'all',
      })
    },
    snapshot: async (): Promise<CacheSnapshot> =>
      asSnapshot(await perform(engine, { name: 'snapshot', run: () => store.snapshot(), report: nothing })),
  } satisfies Partial<Cache>
}
