/** The results of @upstash/ratelimit over a scripted Redis, compared with the results of this package. */
import { Ratelimit } from '@upstash/ratelimit'
import { type Cache, type LimitRule, memoryCache } from 'pgstash'
import { beforeEach, describe, expect, it } from 'vitest'
import { limit } from '../../docs/snippets/rate-limit/upstash.ts'

type Limiter = ConstructorParameters<typeof Ratelimit>[0]['limiter']

/** The package with the answer that its script returns for a call. */
function theirs(limiter: Limiter, ...answers: unknown[]) {
  const redis = { evalsha: async () => answers.shift(), eval: async () => answers.shift() }
  return new Ratelimit({ redis: redis as never, limiter, ephemeralCache: new Map() })
}

const HOUR_MS = 3_600_000
const shape = (result: object) =>
  Object.fromEntries(Object.entries(result).map(([name, value]) => [name, typeof value]))

let now = 0
let cache: Cache
beforeEach(() => {
  now = Date.now()
  cache = memoryCache({ now: () => now })
})

const rules: [string, LimitRule, Limiter, unknown[][]][] = [
  [
    'fixed window',
    { limit: 2, period: '1h' },
    Ratelimit.fixedWindow(2, '1 h'),
    [
      [1, 2],
      [3, 2],
    ],
  ],
  [
    'sliding window',
    { limit: 2, period: '1h', algorithm: 'sliding-window' },
    Ratelimit.slidingWindow(2, '1 h'),
    [
      [1, 2],
      [-1, 2],
    ],
  ],
  [
    'token bucket',
    { limit: 2, period: '1h', algorithm: 'token-bucket', refill: 1 },
    Ratelimit.tokenBucket(1, '1 h', 2),
    [
      [1, Date.now() + HOUR_MS, 2],
      [-1, Date.now() + HOUR_MS, 2],
    ],
  ],
]

describe.each(rules)('the result for a %s', (_name, rule, limiter, answers) => {
  it('has the same fields when a call is allowed', async () => {
    const [own, other] = [await limit(cache, 'ada', rule), await theirs(limiter, answers[0]).limit('ada')]
    expect(shape(own)).toEqual(shape(other))
    expect(own).toMatchObject({ success: other.success, limit: other.limit, remaining: other.remaining })
  })

  it('has the same fields when a call is refused', async () => {
    for (const _ of [1, 2]) await limit(cache, 'ada', rule)
    const [own, other] = [await limit(cache, 'ada', rule), await theirs(limiter, answers[1]).limit('ada')]
    expect(shape(own)).toEqual(shape(other))
    expect(own).toMatchObject({ success: other.success, limit: other.limit, remaining: other.remaining })
  })

  it('reports that the block list refused it', async () => {
    const client = theirs(limiter, answers[1])
    const blocking = { ...rule, blockList: true }
    for (const _ of [1, 2, 3]) await limit(cache, 'ada', blocking)
    await client.limit('ada')
    const [own, other] = [await limit(cache, 'ada', blocking), await client.limit('ada')]
    expect([own.reason, other.reason]).toEqual(['cacheBlock', 'cacheBlock'])
    expect(shape(own)).toEqual(shape(other))
  })
})

describe('intended differences from @upstash/ratelimit', () => {
  it('a refused cost of 5 does not block a cost of 1, unlike there', async () => {
    const client = theirs(Ratelimit.tokenBucket(1, '1 h', 10), [-1, Date.now() + HOUR_MS, 10], [1, 0, 10])
    await client.limit('ada', { rate: 5 })
    expect(await client.limit('ada', { rate: 1 })).toMatchObject({ success: false, reason: 'cacheBlock' })
    const rule: LimitRule = { limit: 10, period: '1h', algorithm: 'token-bucket', refill: 1, blockList: true }
    await limit(cache, 'ada', { ...rule, cost: 8 })
    expect((await limit(cache, 'ada', { ...rule, cost: 5 })).success).toBe(false)
    expect((await limit(cache, 'ada', rule)).success).toBe(true)
  })

  it('a sliding window is blocked only until it frees a call, not until the window ends', async () => {
    const rule: LimitRule = { limit: 4, period: '1h', algorithm: 'sliding-window', blockList: true }
    await limit(cache, 'ada', { ...rule, cost: 4 })
    now += 1.1 * HOUR_MS
    const { success, reset } = await limit(cache, 'ada', { ...rule, cost: 2 })
    expect(success).toBe(false)
    // 4 × 0.75 = 3 calls count a quarter into the window, and just after it two are free.
    expect((reset - Date.now()) / HOUR_MS).toBeCloseTo(0.15, 3)
  })
})
