/** `increment`, `decrement`, `limit`: exact numbers. */
import type { Cache, CounterOptions, LimitResult, LimitRule } from '../../cache.ts'
import { type CountInput, parseCount, parseLimit } from '../../store/inputs.ts'
import { addDecimals, wholePart } from '../../values/decimal.ts'
import { NotANumberError } from '../../values/errors.ts'
import { storedKey } from '../../values/key.ts'
import { type Context, observed, told } from './context.ts'
import { instantOf, type Row } from './storage.ts'

/** A live counter, or undefined where one begins anew. */
type Running = Row & { readonly number: string }

export function counting(context: Context) {
  const { storage, scope, filler } = context

  /** @throws NotANumberError where something else is live */
  function running(key: string, at: number): Running | undefined {
    const row = storage.read(key)
    if (row === undefined || !storage.isLive(row, at)) return undefined
    if (row.value !== null) throw new NotANumberError()
    return row.number === null ? undefined : (row as Running)
  }

  /** A running counter keeps its tags and its birth; deadlines are the caller's choice. */
  function put(key: string, number: string, before: Running | undefined, deadlines: [number, number], at: number) {
    const [expiresAt, keptUntil] = deadlines
    storage.leases.delete(key)
    storage.put({
      key,
      value: null,
      number,
      tags: before?.tags ?? null,
      filledAt: before?.filledAt ?? 0,
      expiresAt,
      keptUntil,
      computeMs: null,
      createdAt: before?.createdAt ?? at,
      updatedAt: at,
    })
    filler.detach([key])
  }

  function sum(key: string, { delta, sliding, deadline }: CountInput): number {
    const at = storage.now()
    const before = running(key, at)
    const number = addDecimals(before?.number ?? '0', delta)
    const given = instantOf(deadline, at)
    put(
      key,
      number,
      before,
      before === undefined || sliding ? [given, given] : [before.expiresAt, before.keptUntil],
      at,
    )
    return Number(number)
  }

  async function count(operation: string, key: string, delta: unknown, sign: 1 | -1, options?: CounterOptions) {
    const stored = storedKey(scope, key)
    const input = parseCount(context, delta, sign, options)
    return observed(
      context,
      operation,
      key,
      () => sum(stored, input),
      () => told('write'),
    )
  }

  /** A permanent counter has no window yet, and gets one. */
  function countCall(key: string, periodMs: number, cap: number) {
    const at = storage.now()
    const before = running(key, at)
    const count = before === undefined ? 1 : Math.min(wholePart(before.number) + 1, cap)
    const end = at + periodMs
    const hasWindow = before !== undefined && before.expiresAt !== Number.POSITIVE_INFINITY
    const resetAt = hasWindow ? before.expiresAt : end
    put(key, String(count), before, [resetAt, hasWindow ? before.keptUntil : end], at)
    return { count, resetAt, resetMs: Math.max(0, Math.ceil(resetAt - at)) }
  }

  return {
    increment: async (key, delta = 1, options) => count('increment', key, delta, 1, options),
    decrement: async (key, delta = 1, options) => count('decrement', key, delta, -1, options),
    async limit(key: string, rule: LimitRule): Promise<LimitResult> {
      const stored = storedKey(scope, key)
      const { limit, periodMs } = parseLimit(rule)
      const run = () => countCall(stored, periodMs, limit + 1)
      const { count, resetAt, resetMs } = await observed(context, 'limit', key, run, () => told('write'))
      return {
        allowed: count <= limit,
        count,
        remaining: Math.max(0, limit - count),
        resetAt: new Date(Math.floor(resetAt)),
        resetMs,
      }
    },
  } satisfies Partial<Cache>
}
