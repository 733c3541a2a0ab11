/**
 * Counts exactly, one short statement per part, so that in a cache of any size each statement ends within its timeout.
 */

import type { CacheStats } from '../cache.ts'
import type { CountingInput } from '../store/inputs.ts'
import { now } from '../values/clock.ts'
import { keyRange, type Scope } from '../values/key.ts'
import { type Counted, count } from './operations/count.ts'
import { isOutOfTime } from './retry.ts'
import type { Run } from './session.ts'

/** One statement counts a cache of up to this many entries. Reading them from a slow disk takes about a second. */
const FIRST_PART = 10_000
const LARGEST_PART = 100_000
/** After a part quicker than this, the size doubles, so that round trips do not take most of the time. */
const QUICK_MS = 250
/** After a part slower than this, the size halves, to stay far below the timeout. */
const SLOW_MS = 1_000
/** After a part that ran out of time, the size shrinks by this factor. */
const SHRINK_FACTOR = 8
/**
 * How many parts in a row may run out of time. After the third, assume that the database does not answer, and reject.
 */
const MAX_LATE = 2

/** @throws DatabaseTimeoutError, DatabaseError, and the reason of the signal */
export async function countInParts(run: Run, scope: Scope, input: CountingInput): Promise<CacheStats> {
  const { onProgress, signal } = input
  const range = keyRange(scope)
  const sums = { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0 }
  let after: string | null = ''
  let size = FIRST_PART
  let largest = LARGEST_PART
  let late = 0
  for (;;) {
    if (signal?.aborted) throw signal.reason
    const startedAt = now()
    try {
      const [row]: Counted[] = await run(count, { ...range, after, limit: size })
      if (row === undefined) break
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += row[name]
      after = row.last
      late = 0
    } catch (error) {
      // If the first part runs out of time, smaller parts may not help, because the table may be locked.
      if (sums.total === 0 || ++late > MAX_LATE || !isOutOfTime(error)) throw error
      // Quick parts make the size grow again, but not to a size that took too long.
      largest = Math.max(1, Math.ceil(size / 2))
      size = Math.max(1, Math.ceil(size / SHRINK_FACTOR))
      continue
    }
    onProgress?.(sums.total)
    if (after === null) break
    const tookMs = now() - startedAt
    if (tookMs < QUICK_MS) size = Math.min(largest, size * 2)
    else if (tookMs > SLOW_MS) size = Math.max(1, Math.ceil(size / 2))
  }
  return { ...sums, estimated: false }
}
