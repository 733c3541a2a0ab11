import type { Cache, LimitResult, LimitRule } from 'pgstash'

/** Answers as `limit` of @upstash/ratelimit does, for code that expects its results. */
export async function limit(cache: Cache, identifier: string, rule: LimitRule) {
  const result: LimitResult = await cache.limit(`@upstash/ratelimit:${identifier}`, rule)
  return {
    success: result.allowed,
    limit: rule.limit,
    remaining: result.remaining,
    // Where the call was refused, this is the first moment at which it can succeed, also in a sliding window.
    reset: Date.now() + (result.allowed ? result.resetMs : result.retryMs),
    pending: Promise.resolve(),
    ...(result.reason === 'block list' ? { reason: 'cacheBlock' as const } : {}),
  }
}
