/** The options `algorithm`, `refill` and `cost` of `rateLimit`, for plain requests and for Hono. */
import { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { createCache } from 'pgstash'
import type { RateLimitOptions } from 'pgstash/fetch'
import { rateLimit as rateLimitOfHono } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bursts, steady } from '../../docs/snippets/rate-limit/algorithms.ts'
import { limitCounts } from '../../docs/snippets/rate-limit/analytics.ts'
import { advance } from '../setup/postgres-store.ts'
import {
  type Args,
  counters,
  createMigratedStash,
  emptied,
  limited,
  members,
  PATIENCE_MS,
  type Requestable,
  statuses,
} from './limits.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
  cache = stash.cache
})
beforeEach(() => emptied(stash))

type Options = Omit<
  Partial<RateLimitOptions<Args>>,
  'key' | 'cache' | 'limit' | 'skip' | 'onLimit' | 'onError' | 'cost'
> & {
  limit?: number
  cost?: number
}

const forms: [string, (options: Options) => Requestable][] = [
  ['plain requests', (options) => limited({ cache, ...options })],
  [
    'Hono',
    (options) => {
      const two = { limit: 2, period: '1m', name: 'two', key: () => 'client', timeout: PATIENCE_MS } as const
      return new Hono().use(rateLimitOfHono({ cache, ...two, ...options })).get('/', (c) => c.text('welcome'))
    },
  ],
]

describe.each(forms)('a limit for %s', (_form, make) => {
  it('can be a sliding window', async () => {
    const app = make({ limit: 10, period: '1h', algorithm: 'sliding-window' })
    expect(await statuses(app, 11)).toEqual([...Array(10).fill(200), 429])
    await advance(stash.db, 1.25 * 3_600_000)
    // 10 × 0.75 = 7.5 requests still count.
    expect(await statuses(app, 4)).toEqual([200, 200, 200, 429])
  })

  it('can be a token bucket', async () => {
    const app = make({ limit: 4, refill: 2, period: '1h', algorithm: 'token-bucket' })
    expect(await statuses(app, 5)).toEqual([200, 200, 200, 200, 429])
    await advance(stash.db, 1.5 * 3_600_000)
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
  })

  it('costs one round trip with each algorithm, and returns how long to wait', async () => {
    for (const options of [
      { algorithm: 'sliding-window', period: '1h', name: 'sliding' },
      { algorithm: 'token-bucket', period: '1h', refill: 1, name: 'bucket' },
    ] as const) {
      const app = make(options)
      await statuses(app, 2)
      stash.faults.reset()
      const refused = await app.request('/')
      expect({ requests: stash.faults.requests, statements: stash.faults.statements }).toEqual({
        requests: 1,
        statements: 1,
      })
      expect(refused.status).toBe(429)
      const seconds = Number(refused.headers.get('retry-after'))
      await advance(stash.db, (seconds - 60) * 1_000)
      expect(await statuses(app, 1)).toEqual([429])
      await advance(stash.db, 60_000)
      expect(await statuses(app, 1)).toEqual([200])
    }
  })

  it('states the time after which a bucket is full', async () => {
    const app = make({ limit: 20, refill: 5, period: '1s', algorithm: 'token-bucket' })
    const answer = await app.request('/')
    expect(members(answer, 'ratelimit-policy')).toEqual([['two', { q: 20, w: 4 }]])
    expect(members(answer, 'ratelimit')).toEqual([['two', { r: 19, t: 1 }]])
  })

  it('refuses only requests that cost too much', async () => {
    const [one, five] = [make({ limit: 10, cost: 1 }), make({ limit: 10, cost: 5 })]
    expect(await statuses(five, 1)).toEqual([200])
    expect(await statuses(one, 3)).toEqual([200, 200, 200])
    expect(await statuses(five, 1)).toEqual([429])
    expect(await statuses(one, 3)).toEqual([200, 200, 429])
    expect(await statuses(make({ limit: 3, cost: 4, name: 'never' }), 2)).toEqual([429, 429])
  })

  it('has separate counters for each algorithm, unless it has a name', async () => {
    const named = (options: Options) => statuses(make({ limit: 9, period: 60, name: undefined, ...options }), 1)
    await named({})
    await named({ algorithm: 'sliding-window' })
    await named({ algorithm: 'token-bucket', refill: 3 })
    expect(await counters(cache)).toEqual([
      'rate-limit:9-per-60s-sliding:client',
      'rate-limit:9-per-60s:client',
      'rate-limit:9-refill-3-per-60s:client',
    ])
  })

  it('reads the count of another algorithm under the same name', async () => {
    await statuses(make({ limit: 4 }), 3)
    for (const options of [{ algorithm: 'sliding-window' }, { algorithm: 'token-bucket', refill: 1 }, {}] as const) {
      expect([200, 429]).toContain((await statuses(make({ limit: 4, ...options }), 1))[0])
    }
  })

  it.each<[string, object]>([
    ['an unknown algorithm', { algorithm: 'leaky' }],
    ['a refill of a window', { refill: 1 }],
    ['a bucket without a refill', { algorithm: 'token-bucket' }],
    ['a refill above the limit', { algorithm: 'token-bucket', refill: 3 }],
    ['a negative cost', { cost: -1 }],
    ['a cost with a fraction', { cost: 0.5 }],
    ['a block list that is not a boolean', { blockList: 'yes' }],
  ])('refuses at once: %s', (_name, options) => {
    expect(() => make(options as Options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('a cost that depends on the request', () => {
  it('is computed once, and counts', async () => {
    const asked: string[] = []
    const app = limited({
      cache,
      limit: 10,
      cost: async (request) => {
        asked.push(request.url)
        return Number(new URL(request.url).searchParams.get('cost'))
      },
    })
    expect(await statuses(app, 1, '/?cost=8')).toEqual([200])
    expect(await statuses(app, 1, '/?cost=3')).toEqual([429])
    expect(await statuses(app, 1, '/?cost=2')).toEqual([200])
    expect(asked).toHaveLength(3)
  })

  it.each([-1, 1.5, Number.NaN, '1', undefined])('is refused if it is %s, also with failOpen', async (cost) => {
    const app = limited({ cache, cost: () => cost as number })
    await expect(app.request('/')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('the examples in the docs on rate limits', () => {
  const app = (limit: ReturnType<typeof steady>) => new Hono().use(limit).all('*', (c) => c.text('welcome'))

  it('show a steady limit and one for bursts', async () => {
    expect((await app(steady(cache, () => 'ada')).request('/')).headers.get('ratelimit')).toMatch(/^"steady";r=99;/)
    const bursting = app(bursts(cache, () => 'ada'))
    // The bucket regains tokens each second, so later requests are not asserted.
    const [, exported] = members(await bursting.request('/export'), 'ratelimit')[0] ?? []
    expect(exported).toMatchObject({ r: 10 })
  })

  it('show how to count allowed and refused requests', async () => {
    const { counts, onEvent } = limitCounts()
    const watched = createCache(stash.db, { timeout: PATIENCE_MS, onEvent })
    await statuses(limited({ cache: watched, blockList: true }), 5)
    await watched.get('key')
    expect(counts).toEqual({ allowed: 2, refused: 3 })
  })
})
