/** `increment`, `decrement`, `limit`: atomic numbers. */
import type { Cache, CounterOptions, LimitResult, LimitRule } from '../cache.ts'
import { parseCount, parseLimit } from '../store/inputs.ts'
import { CounterRangeError, DatabaseError, NotANumberError } from '../values/errors.ts'
import type { Cost } from '../values/events.ts'
import { storedKey } from '../values/key.ts'
import type { Context } from './context.ts'
import { observed } from './observed.ts'
import { countUp } from './operations/count-up.ts'
import { deadlineValues } from './operations/fragments.ts'
import { countCall } from './operations/limit.ts'

/** An entry that changes between refusal and explanation; more than a few times is no accident. */
const MAX_TRIES = 5

export function counting(context: Context) {
  const { runner, scope } = context

  async function count(operation: string, key: string, delta: unknown, sign: 1 | -1, options?: CounterOptions) {
    const stored = storedKey(scope, key)
    const { deadline, ...input } = parseCount(context, delta, sign, options)
    const values = { key: stored, ...input, ...deadlineValues(deadline) }
    return observed(context, {
      operation,
      key,
      run: (cost) => sum(values, cost),
      outcome: () => ({ type: 'write', count: 1 }),
      changes: [stored],
    })
  }

  async function sum(values: Record<string, unknown>, cost: Cost): Promise<number> {
    for (let tried = 1; tried <= MAX_TRIES; tried++) {
      const [row] = await runner.run(countUp, values, cost)
      if (row?.number != null) return Number(row.number)
      if (row?.refusal === 'text') throw new NotANumberError()
      if (row?.refusal === 'range') throw new CounterRangeError()
    }
    throw new DatabaseError('The counter changed at every try; try again.')
  }

  return {
    increment: async (key, delta = 1, options) => count('increment', key, delta, 1, options),
    decrement: async (key, delta = 1, options) => count('decrement', key, delta, -1, options),
    async limit(key: string, rule: LimitRule): Promise<LimitResult> {
      const stored = storedKey(scope, key)
      const { limit, periodMs } = parseLimit(rule)
      const row = await observed(context, {
        operation: 'limit',
        key,
        async run(cost) {
          const [counted] = await runner.run(countCall, { key: stored, periodMs, cap: limit + 1 }, cost)
          if (counted === undefined) throw new NotANumberError()
          return counted
        },
        outcome: () => ({ type: 'write', count: 1 }),
        changes: [stored],
      })
      return {
        allowed: row.count <= limit,
        count: row.count,
        remaining: Math.max(0, limit - row.count),
        resetAt: new Date(row.resetAt),
        resetMs: row.resetMs,
      }
    },
  } satisfies Partial<Cache>
}
