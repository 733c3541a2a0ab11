/** The keys that `limit` refuses in this process, without a request. */
import type { LimitResult } from '../cache.ts'
import type { ParsedLimit } from './limit-input.ts'

/**
 * A key and its refusal take about 500 bytes. An attacker with more keys than this causes requests, but takes no
 * memory.
 */
const MAX_BLOCKED = 10_000

interface Block {
  readonly parsed: ParsedLimit
  readonly result: LimitResult
  readonly refusedAt: number
}

export interface BlockList {
  /** Returns the refusal of a call that could not succeed yet. */
  find(key: string, parsed: ParsedLimit, now: number): LimitResult | undefined
  /**
   * Remembers a refusal.
   *
   * @param sentAt when the call was sent. The database decided later, so this block ends no later than the database's.
   */
  add(key: string, parsed: ParsedLimit, result: LimitResult, sentAt: number): void
  /** Forgets the refusals of these keys. Call it after each change of the keys. */
  forget(keys: readonly string[] | 'all'): void
}

/**
 * Creates a bounded list, which evicts the oldest refusal first. A refusal is never prolonged, so how recently it was
 * used does not matter.
 *
 * Rejected: `lru-cache`. It would add 6 KB to each bundle with a cache, for a list that few programs use.
 */
export function createBlockList(): BlockList {
  const blocks = new Map<string, Block>()

  return {
    find(key, parsed, now) {
      const block = blocks.get(key)
      if (block === undefined) return undefined
      const waitedMs = Math.max(0, now - block.refusedAt)
      if (waitedMs >= block.result.retryMs) {
        blocks.delete(key)
        return undefined
      }
      return isRefusedWith(block.parsed, parsed) ? refusalAfter(block.result, waitedMs) : undefined
    },
    add(key, parsed, result, sentAt) {
      // A cost above the limit says nothing about the next call.
      if (parsed.input.cost <= 0 || result.retryMs <= 0 || result.retryMs === Number.POSITIVE_INFINITY) return
      blocks.delete(key)
      const [oldest] = blocks.size >= MAX_BLOCKED ? blocks.keys() : []
      if (oldest !== undefined) blocks.delete(oldest)
      blocks.set(key, { parsed, result, refusedAt: sentAt })
    },
    forget(keys) {
      if (keys === 'all') blocks.clear()
      else for (const key of keys) blocks.delete(key)
    },
  }
}

/**
 * True if a refusal also applies to this call. A refused cost of 5 says nothing about a cost of 1, and a refusal by one
 * rule says nothing about another rule.
 */
function isRefusedWith({ input: refused }: ParsedLimit, { input }: ParsedLimit): boolean {
  return (
    input.cost >= refused.cost &&
    input.cap === refused.cap &&
    input.algorithm === refused.algorithm &&
    input.periodMs === refused.periodMs &&
    input.refill === refused.refill
  )
}

function refusalAfter({ resetAt, resetMs, retryMs, ...result }: LimitResult, waitedMs: number): LimitResult {
  return {
    ...result,
    resetAt: new Date(resetAt),
    resetMs: Math.max(0, Math.ceil(resetMs - waitedMs)),
    retryMs: Math.ceil(retryMs - waitedMs),
    reason: 'block list',
  }
}
