/** Exact counts, in parts that each take one short statement, so that a count of any size ends within the timeout of each. */

import type { CacheStats } from '../cache.ts'
import type { CountingInput } from '../store/inputs.ts'
import { now } from '../values/clock.ts'
import { keyRange, type Scope } from '../values/key.ts'
import { type Counted, count } from './operations/count.ts'
import { isOutOfTime } from './retry.ts'
import type { Run } from './session.ts'

/** A cache of up to this many entries is counted by one statement. Reading them from a slow disk takes about a second. */
const FIRST_PART = 10_000
const LARGEST_PART = 100_000
/** A quicker part is followed by one of twice its size, so that the round trips do not take most of the time. */
const QUICK_MS = 250
/** A slower part is followed by one of half its size, to stay far below the timeout. */
const SLOW_MS = 1_000
/** A part that ran out of time is followed by one that is smaller by this factor. */
const SHRINK_FACTOR = 8
/** Parts in a row that may run out of time. The third finds a database that does not answer, and rejects. */
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
      // A first part that does not end says nothing of the later ones: the table may be locked.
      if (sums.total === 0 || ++late > MAX_LATE || !isOutOfTime(error)) throw error
      // Quick parts grow again, but not to a size that took too long.
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
