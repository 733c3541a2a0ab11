/** `delete`, `deleteMany`, `pull`, `clear`, `clearExpired`, `invalidate`: what makes entries absent. */
import type { Cache, CacheSnapshot, CleanupResult, ClearExpiredOptions } from '../cache.ts'
import { now } from '../values/clock.ts'
import { decodeValue } from '../values/codec.ts'
import { InvalidKeyError } from '../values/errors.ts'
import { byCodePoint, keyRange, storedKey, storedKeys, storedTags } from '../values/key.ts'
import { optionalFunction, optionsObject, wholeNumber } from '../values/options.ts'
import { type Context, MAX_KEYS, observed } from './context.ts'
import { clear } from './operations/clear.ts'
import { invalidate } from './operations/invalidate.ts'
import { pull } from './operations/pull.ts'
import { remove } from './operations/remove.ts'
import { removeMany } from './operations/remove-many.ts'
import { forScope } from './operations/scoped.ts'
import { sweep } from './operations/sweep.ts'
import { takeSnapshot } from './operations/take-snapshot.ts'
import { isOutOfTime } from './retry.ts'

/** Deleted in some tens of milliseconds: locks are short, and a run of 40 requests removes 200,000. */
const DEFAULT_BATCH = 5_000
const MAX_BATCH = 100_000
const SHRINK_BY = 8

export function removing(context: Context) {
  const { runner, scope, codec } = context
  const removed = (count: number) => ({ type: 'delete' as const, count })
  const range = keyRange(scope)

  async function clearRange(): Promise<number> {
    let total = 0
    let { from } = range
    let batch = DEFAULT_BATCH
    for (;;) {
      const rows = await inTime(batch, (size) => runner.run(clear, { ...range, from, batch: size }))
      const part = rows?.[0]
      if (part === undefined) batch = smaller(batch)
      else {
        total += part.removed
        if (part.last === null) return total
        // Onwards from there, and so to an end even beside writers; nothing sorts between a key and itself with U+0001.
        from = `${part.last}\u0001`
      }
    }
  }

  async function sweepAll(
    largest: number,
    timeBudget: number,
    onProgress?: (removed: number) => void,
  ): Promise<CleanupResult> {
    const startedAt = now()
    let total = 0
    let batch = largest
    for (;;) {
      const rows = await inTime(batch, (size) => runner.run(forScope(sweep, scope), { ...range, batch: size }))
      const count = rows?.[0]?.removed
      if (count === undefined) batch = smaller(batch)
      else {
        total += count
        onProgress?.(total)
        if (count < batch) return { removed: total, more: false }
      }
      if (now() - startedAt >= timeBudget) return { removed: total, more: true }
    }
  }

  return {
    async delete(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const run = async () => (await runner.run(remove, { key: stored })).length
      return (await observed(context, 'delete', run, removed)) > 0
    },
    async deleteMany(keys: Iterable<string>): Promise<number> {
      const stored = [...storedKeys(scope, keys).keys()].sort(byCodePoint)
      const run = async () => {
        let total = 0
        for (let i = 0; i < stored.length; i += MAX_KEYS) {
          const [row] = await runner.run(removeMany, { keys: stored.slice(i, i + MAX_KEYS) })
          total += row?.count ?? 0
        }
        return total
      }
      return observed(context, 'deleteMany', run, removed)
    },
    pull: (async (key: string) => {
      const stored = storedKey(scope, key)
      const run = async () => {
        const [row] = await runner.run(pull, { key: stored })
        return row && { value: await decodeValue(row, stored, codec) }
      }
      return (await observed(context, 'pull', run, (found) => removed(found === undefined ? 0 : 1)))?.value
    }) as Cache['pull'],
    clear: async () => observed(context, 'clear', clearRange, removed),
    async clearExpired(options?: ClearExpiredOptions): Promise<CleanupResult> {
      const {
        batch = DEFAULT_BATCH,
        timeBudget,
        onProgress,
      } = optionsObject<ClearExpiredOptions>(options, ['batch', 'timeBudget', 'onProgress'])
      wholeNumber('batch', batch, 1, MAX_BATCH)
      const budget = timeBudget === undefined ? Number.POSITIVE_INFINITY : wholeNumber('timeBudget', timeBudget, 0)
      optionalFunction('onProgress', onProgress)
      return observed(
        context,
        'clearExpired',
        () => sweepAll(batch, budget, onProgress),
        (result) => ({ type: 'cleanup', count: result.removed }),
      )
    },
    async invalidate(tags: string | Iterable<string>): Promise<void> {
      // A missing tag would leave old data in place, silently.
      if (tags === undefined) throw new InvalidKeyError('Expected a tag or an iterable of tags, got undefined.')
      const stored = storedTags(tags)
      if (stored === null) return
      const run = () => runner.run(invalidate, { tags: stored })
      await observed(context, 'invalidate', run, () => ({ type: 'invalidate', count: stored.length }))
    },
    async snapshot(): Promise<CacheSnapshot> {
      const [row] = await runner.run(takeSnapshot)
      return row?.snapshot as CacheSnapshot
    },
  } satisfies Partial<Cache>
}

/** What a batch answers, or undefined where it took too long and a smaller one may not. */
async function inTime<T>(batch: number, work: (batch: number) => Promise<T>): Promise<T | undefined> {
  try {
    return await work(batch)
  } catch (error) {
    if (batch === 1 || !isOutOfTime(error)) throw error
    return undefined
  }
}

/** Rows with large values take longer to delete, and a size that never ends in time would stop the work for good. */
function smaller(batch: number): number {
  return Math.ceil(batch / SHRINK_BY)
}
