/** `delete`, `deleteMany`, `pull`, `clear`, `clearExpired`, `invalidate`: what makes entries absent. */
import type { Cache, CacheSnapshot, CleanupResult, ClearExpiredOptions } from '../../cache.ts'
import { parseSweep, parseTags, type SweepInput } from '../../store/inputs.ts'
import { now } from '../../values/clock.ts'
import { storedKey, storedKeys } from '../../values/key.ts'
import { type Context, nothing, observed, told } from './context.ts'
import { decoded } from './decoding.ts'
import type { Row } from './storage.ts'

export function removing(context: Context) {
  const { storage, scope, filler } = context
  const removed = (count: number) => told('delete', count)

  /** The live entry that was removed; an expired one goes as well. */
  function take(key: string): Row | undefined {
    const row = storage.peek(key)
    storage.leases.delete(key)
    storage.remove(key)
    filler.detach([key])
    return row !== undefined && storage.isLive(row, storage.now()) ? row : undefined
  }

  function clearScope(): number {
    const isInside = (key: string) => key.startsWith(scope.prefix)
    for (const key of [...storage.leases.keys()].filter(isInside)) storage.leases.delete(key)
    const doomed = [...storage.rows()].filter((row) => isInside(row.key))
    for (const { key } of doomed) storage.remove(key)
    filler.detach('all')
    return doomed.length
  }

  /** What nobody can be answered with any more, not even as stale. */
  function isPast(row: Row): boolean {
    return row.keptUntil <= storage.now() || storage.isRejected(row)
  }

  function sweep({ batch, timeBudget, onProgress, signal }: SweepInput): CleanupResult {
    const startedAt = now()
    const doomed = [...storage.rows()].filter((row) => row.key.startsWith(scope.prefix) && isPast(row))
    for (let total = 0; ; ) {
      const part = doomed.splice(0, batch)
      // A listener may have written in between.
      for (const row of part) if (storage.peek(row.key) === row) storage.remove(row.key)
      total += part.length
      onProgress?.(total)
      if (part.length < batch) return { removed: total, more: false }
      if (signal?.aborted || now() - startedAt >= timeBudget) return { removed: total, more: true }
    }
  }

  return {
    async delete(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      return (await observed(context, 'delete', key, () => Number(take(stored) !== undefined), removed)) > 0
    },
    async deleteMany(keys: Iterable<string>): Promise<number> {
      const stored = [...storedKeys(scope, keys).keys()]
      const run = () => stored.filter((key) => take(key) !== undefined).length
      return observed(context, 'deleteMany', undefined, run, removed)
    },
    pull: (async (key: string) => {
      const stored = storedKey(scope, key)
      const run = async () => {
        const row = take(stored)
        return row && { value: await decoded(context, row, stored) }
      }
      return (await observed(context, 'pull', key, run, (pulled) => removed(pulled === undefined ? 0 : 1)))?.value
    }) as Cache['pull'],
    clear: async () => observed(context, 'clear', undefined, clearScope, removed),
    async clearExpired(options?: ClearExpiredOptions): Promise<CleanupResult> {
      const input = parseSweep(options)
      const outcome = (result: CleanupResult) => told('cleanup', result.removed)
      return observed(context, 'clearExpired', undefined, () => sweep(input), outcome)
    },
    async invalidate(tags: string | Iterable<string>): Promise<void> {
      const stored = parseTags(tags)
      if (stored === null) return
      const run = () => {
        storage.tagLog.invalidate(stored)
        // Which keys have these tags is not known.
        filler.detach('all')
      }
      await observed(context, 'invalidate', undefined, run, () => told('invalidate', stored.length))
    },
    snapshot: async (): Promise<CacheSnapshot> =>
      observed(context, 'snapshot', undefined, () => storage.tagLog.snapshot(), nothing),
  } satisfies Partial<Cache>
}
