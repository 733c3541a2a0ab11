/** `increment`, `decrement`, `limit`: atomic numbers. */
import type { Cache, CounterOptions, LimitResult, LimitRule } from '../cache.ts'
import { storedKey } from '../values/key.ts'
import type { OperationEngine } from './engine.ts'
import { parseCount, parseLimit } from './inputs.ts'
import { outcome, perform } from './perform.ts'

export function counting(engine: OperationEngine) {
  const { store, scope } = engine

  async function count(name: string, key: string, delta: unknown, sign: 1 | -1, options?: CounterOptions) {
    const stored = storedKey(scope, key)
    const input = parseCount(engine, delta, sign, options)
    const sum = await perform<string>(engine, {
      name,
      key,
      stored,
      run: () => store.count(stored, input),
      report: () => outcome('write'),
      changes: [stored],
    })
    return Number(sum)
  }

  return {
    increment: async (key, delta = 1, options) => count('increment', key, delta, 1, options),
    decrement: async (key, delta = 1, options) => count('decrement', key, delta, -1, options),
    async limit(key: string, rule: LimitRule): Promise<LimitResult> {
      const stored = storedKey(scope, key)
      const { limit, periodMs } = parseLimit(rule)
      const { count, resetAt, resetMs } = await perform(engine, {
        name: 'limit',
        key,
        stored,
        run: () => store.limit(stored, { periodMs, cap: limit + 1 }),
        report: () => outcome('write'),
        changes: [stored],
      })
      const remaining = Math.max(0, limit - count)
      return { allowed: count <= limit, count, remaining, resetAt: new Date(Math.floor(resetAt)), resetMs }
    },
  } satisfies Partial<Cache>
}
