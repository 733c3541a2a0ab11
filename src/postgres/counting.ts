/** `increment`, `decrement`, `limit`: atomic numbers. */
import type { Cache, CounterOptions, LimitResult, LimitRule } from '../cache.ts'
import { now } from '../values/clock.ts'
import {
  CounterRangeError,
  DatabaseError,
  describeType,
  InvalidDeltaError,
  InvalidExpirationError,
  InvalidOptionError,
  NotANumberError,
} from '../values/errors.ts'
import type { Cost } from '../values/events.ts'
import { parsePeriod } from '../values/expiration.ts'
import { storedKey } from '../values/key.ts'
import { boolean, optionsObject, wholeNumber } from '../values/options.ts'
import { type Context, deadlineOf } from './context.ts'
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
    if (typeof delta !== 'number' || !Number.isFinite(delta)) {
      throw new InvalidDeltaError(`Expected a delta to be a finite number, got ${describeType(delta)}.`)
    }
    const { expiration, sliding = false } = optionsObject<CounterOptions>(options, ['expiration', 'sliding'])
    const given = deadlineOf(context, expiration)
    if (boolean('sliding', sliding) && !(given.kind === 'after' && given.ms > 0)) {
      throw new InvalidExpirationError('Expected a positive span as the expiration of a sliding counter.')
    }
    // Beyond it a sum could still fall into the range, but its digits would be noise.
    if (Math.abs(delta) > Number.MAX_SAFE_INTEGER) throw new CounterRangeError()
    const values = { key: stored, delta: String(delta * sign), sliding, ...deadlineValues(given) }
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
      if (rule === undefined) throw new InvalidOptionError('Expected a rule { limit, period }, got undefined.')
      const options = optionsObject<LimitRule>(rule, ['limit', 'period'])
      const limit = wholeNumber('limit', options.limit, 0, Number.MAX_SAFE_INTEGER - 1)
      const periodMs = parsePeriod(options.period, 'period', now())
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
        resetAt: new Date(Number(row.resetAt)),
        resetMs: row.resetMs,
      }
    },
  } satisfies Partial<Cache>
}
