/** `delete`, `deleteMany`, `pull`, `clear`, `clearExpired`, `invalidate`: what makes entries absent. */
import type { Cache, CacheSnapshot, CleanupResult, ClearExpiredOptions } from '../cache.ts'
import { DEFAULT_BATCH, parseSweep, parseTags, type SweepInput } from '../store/inputs.ts'
import { now } from '../values/clock.ts'
import { decodeValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import { byCodePoint, keyRange, storedKey, storedKeys } from '../values/key.ts'
import { randomNumber } from '../values/random.ts'
import { inTime, smaller } from './batches.ts'
import { type Context, MAX_KEYS } from './context.ts'
import { evictTo } from './evicting.ts'
import { observed } from './observed.ts'
import { clear } from './operations/clear.ts'
import { invalidate } from './operations/invalidate.ts'
import { pull } from './operations/pull.ts'
import { remove } from './operations/remove.ts'
import { removeMany } from './operations/remove-many.ts'
import { forScope } from './operations/scoped.ts'
import { type Swept, sweep, sweepSizes } from './operations/sweep.ts'
import { takeSnapshot } from './operations/take-snapshot.ts'
import { pause } from './retry.ts'

/** To one that has had the turn all of so many times the rest is left. */
const MAX_TURNS_LOST = 10
const TURN_PAUSE_MS = 20

export function removing(context: Context) {
  const { runner, scope, codec } = context
  const outcome = (count: number) => ({ type: 'delete' as const, count })
  const range = keyRange(scope)

  async function clearRange(cost: Cost): Promise<number> {
    let total = 0
    let { from } = range
    let batch = DEFAULT_BATCH
    let hasRaced = false
    for (;;) {
      const answer = await inTime(batch, (size) => runner.run(clear, { ...range, from, batch: size }, cost))
      if ('late' in answer) batch = smaller(batch)
      else {
        const part = answer.row
        total += part.removed
        // Once more for what was filled meanwhile; what is filled from now on was claimed after.
        if (part.raced && !hasRaced) {
          hasRaced = true
          continue
        }
        if (part.last === null) return total
        // Onwards from there, and so to an end even beside writers; nothing sorts between a key and itself with U+0001.
        from = `${part.last}\u0001`
        hasRaced = false
      }
    }
  }

  async function sweepAll(
    { batch: largest, timeBudget, onProgress, signal }: SweepInput,
    cost: Cost,
  ): Promise<CleanupResult> {
    const startedAt = now()
    let total = 0
    let batch = largest
    // Entries that a tag rejects are looked for once in a run: in a scope from here, else from where the last run ended.
    let after: string | null = range.from
    let begin = true
    let hasHadTurn = false
    let turnsLost = 0
    let hasSwept = false
    for (;;) {
      const at: Record<string, unknown> = { ...range, after, begin }
      const answer = await inTime<Swept>(batch, (size) =>
        runner.run(forScope(sweep, scope), { ...at, ...sweepSizes(size) }, cost),
      )
      if ('late' in answer) batch = smaller(batch)
      else {
        const swept = answer.row
        hasSwept = true
        total += swept.removed
        onProgress?.(total)
        turnsLost = swept.isOthersTurn ? turnsLost + 1 : 0
        if (!swept.isOthersTurn) hasHadTurn = true
        // Two runs may stop each other; who was at it looks again, or nobody would go on.
        const mayHaveStopped = swept.isOthersTurn && hasHadTurn && turnsLost <= MAX_TURNS_LOST
        if (!swept.more && !mayHaveStopped) return { removed: total, more: false }
        // Jittered, or those who stopped each other would do so again.
        if (mayHaveStopped) await pause(TURN_PAUSE_MS * (0.5 + randomNumber()))
        after = swept.after
        begin = false
      }
      if (signal?.aborted) return { removed: total, more: true }
      if (now() - startedAt < timeBudget) continue
      // A database that never answers would else look like one that has much to do, run after run.
      if ('late' in answer && !hasSwept) throw answer.late
      return { removed: total, more: true }
    }
  }

  async function cleanUp(input: SweepInput, cost: Cost): Promise<CleanupResult> {
    const startedAt = now()
    const swept = await sweepAll(input, cost)
    if (context.capacity === undefined) return swept
    // What is past keeping goes first.
    if (swept.more) return { ...swept, evicted: 0 }
    const isOver = () => input.signal?.aborted || now() - startedAt >= input.timeBudget
    return { ...swept, ...(await evictTo(context, context.capacity, { batch: input.batch, isOver, cost })) }
  }

  return {
    async delete(key: string): Promise<boolean> {
      const stored = storedKey(scope, key)
      const run = async (cost: Cost) => {
        const [first, second] = await againIfRaced(() => runner.run(remove, { key: stored }, cost))
        return (first?.count ?? 0) || (second?.count ?? 0)
      }
      return (await observed(context, { operation: 'delete', key, run, outcome, changes: [stored] })) > 0
    },
    async deleteMany(keys: Iterable<string>): Promise<number> {
      const stored = [...storedKeys(scope, keys).keys()].sort(byCodePoint)
      const run = async (cost: Cost) => {
        let total = 0
        for (let i = 0; i < stored.length; i += MAX_KEYS) {
          const keys = stored.slice(i, i + MAX_KEYS)
          const answers = await againIfRaced(() => runner.run(removeMany, { keys }, cost))
          for (const { count } of answers) total += count
        }
        return total
      }
      return observed(context, { operation: 'deleteMany', run, outcome, changes: stored })
    },
    pull: (async (key: string) => {
      const stored = storedKey(scope, key)
      const found = await observed<{ value: unknown } | undefined>(context, {
        operation: 'pull',
        key,
        async run(cost) {
          const answers = await againIfRaced(() => runner.run(pull, { key: stored }, cost))
          const row = answers.find(({ found }) => found)
          return row && { value: await decodeValue(row, stored, codec) }
        },
        outcome: (pulled) => outcome(pulled === undefined ? 0 : 1),
        changes: [stored],
      })
      return found?.value
    }) as Cache['pull'],
    clear: async () => observed(context, { operation: 'clear', run: clearRange, outcome, changes: 'all' }),
    async clearExpired(options?: ClearExpiredOptions): Promise<CleanupResult> {
      const input = parseSweep(options)
      return observed(context, {
        operation: 'clearExpired',
        run: (cost) => cleanUp(input, cost),
        outcome: ({ removed, evicted = 0 }) => ({ type: 'cleanup', count: removed + evicted }),
      })
    },
    async invalidate(tags: string | Iterable<string>): Promise<void> {
      const stored = parseTags(tags)
      if (stored === null) return
      await observed(context, {
        operation: 'invalidate',
        run: (cost) => runner.run(invalidate, { tags: stored }, cost),
        outcome: () => ({ type: 'invalidate', count: stored.length }),
        // Which keys have these tags only the database knows.
        changes: 'all',
      })
    },
    async snapshot(): Promise<CacheSnapshot> {
      const run = (cost: Cost) => runner.run(takeSnapshot, {}, cost)
      const [row] = await observed(context, { operation: 'snapshot', run, outcome: () => [] })
      return row?.snapshot as CacheSnapshot
    },
  } satisfies Partial<Cache>
}

/** What a removal answers, and what it answers when it is sent once more because it cannot have seen everything. */
export async function againIfRaced<Row extends { raced: boolean }>(remove: () => Promise<Row[]>): Promise<Row[]> {
  const first = await remove()
  return first.some(({ raced }) => raced) ? [...first, ...(await remove())] : first
}
