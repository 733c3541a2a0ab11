/** `increment`, `decrement`, `limit`: methods that change numbers atomically. */
import type { Cache, CounterOptions, LimitResult, LimitRule } from '../cache.ts'
import { toReply } from '../store/store.ts'
import { now } from '../values/clock.ts'
import { storedKey } from '../values/key.ts'
import type { OperationEngine } from './engine.ts'
import { parseCount } from './inputs.ts'
import { parseLimit } from './limit-input.ts'
import { limitResult } from './limit-result.ts'
import { type Outcome, outcome, perform, replyWith } from './perform.ts'

/** A refused call writes nothing. */
const reportLimit = ({ allowed }: LimitResult): Outcome[] => [{ type: 'write', count: allowed ? 1 : 0, allowed }]

export function counting(engine: OperationEngine) {
  const { store, scope, blockList } = engine

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
      const parsed = parseLimit(rule)
      const { isBlockListed } = parsed
      const startedAt = now()
      const blocked = isBlockListed ? blockList.find(stored, parsed, startedAt) : undefined
      if (blocked !== undefined) {
        await perform(engine, { name: 'limit', key, stored, run: () => toReply(blocked), report: reportLimit })
        return blocked
      }
      const result = await perform(engine, {
        name: 'limit',
        key,
        stored,
        run: async () => {
          const reply = await store.limit(stored, parsed.input)
          return replyWith(reply, limitResult(reply.value, parsed))
        },
        report: reportLimit,
        changes: [stored],
      })
      if (isBlockListed && !result.allowed) blockList.add(stored, parsed, result, startedAt)
      return result
    },
  } satisfies Partial<Cache>
}
