import type { Cache } from 'pgstash'
import { type RateLimitOptions, rateLimit, rateLimitKey } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { advance } from '../setup/postgres-store.ts'
import {
  type Args,
  cost,
  counters,
  createMigratedStash,
  emptied,
  limited,
  members,
  PATIENCE_MS,
  statuses,
} from './limits.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
  cache = stash.cache
})
beforeEach(() => emptied(stash))

const query = (request: Request, name: string) => new URL(request.url).searchParams.get(name)
const make = (options: Partial<RateLimitOptions<Args>> = {}) => limited({ cache, ...options })

describe('a limit', () => {
  it('allows as many requests as the limit, then none until the window ends', async () => {
    const app = make()
    expect(await statuses(app, 4)).toEqual([200, 200, 429, 429])
    await advance(stash.db, 30_000)
    expect(await statuses(app, 1)).toEqual([429])
    await advance(stash.db, 31_000)
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
  })

  it('costs one round trip of one statement, whether a request passes or not', async () => {
    const app = make({ limit: 1 })
    for (const status of [200, 429, 429]) {
      stash.faults.reset()
      expect(await statuses(app, 1)).toEqual([status])
      expect(cost(stash.faults)).toEqual({ requests: 1, statements: 1 })
    }
  })

  it('allows no request if it is 0', async () => {
    expect(await statuses(make({ limit: 0 }), 2)).toEqual([429, 429])
  })

  it('does not run the handler for a refused request', async () => {
    const handler = vi.fn(() => new Response('welcome'))
    await statuses(limited({ cache, limit: 1 }, handler), 3)
    expect(handler).toHaveBeenCalledOnce()
  })

  it('counts each key separately, and calls key once per request', async () => {
    const key = vi.fn(async ({ headers }: Request) => headers.get('x-user') ?? '')
    const app = make({ limit: 1, key })
    const as = (user: string) => statuses(app, 2, '/', { headers: { 'x-user': user } })
    expect([await as('ada'), await as('bob'), await as('')]).toEqual(Array(3).fill([200, 429]))
    expect(key).toHaveBeenCalledTimes(6)
  })

  it('may depend on the client', async () => {
    const app = make({
      limit: async (request) => (query(request, 'plan') === 'pro' ? 3 : 1),
      key: (request) => query(request, 'plan') ?? '',
    })
    expect(await statuses(app, 4, '/?plan=pro')).toEqual([200, 200, 200, 429])
    expect(await statuses(app, 2, '/?plan=free')).toEqual([200, 429])
  })

  it('allows exactly 50 of 200 parallel requests if it is 50', async () => {
    const app = make({ limit: 50 })
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.request('/')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(50)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(150)
    const left = answers.map((answer) => members(answer, 'ratelimit')[0]?.[1].r)
    expect(new Set(left)).toEqual(new Set(Array.from({ length: 50 }, (_, i) => i)))
    for (const answer of answers) expect(members(answer, 'ratelimit')[0]?.[1].t).toBeLessThanOrEqual(60)
    expect(stash.faults.requests).toBe(200)
  })

  it('neither counts nor refuses skipped requests, and sends nothing for them', async () => {
    const app = make({ limit: 0, skip: async (request) => query(request, 'health') !== null })
    const answer = await app.request('/?health')
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null])
    expect(stash.faults.requests).toBe(0)
    expect(await statuses(app, 1)).toEqual([429])
  })

  it('accepts keys that a database cannot store, and very long keys', async () => {
    const app = make({ limit: 1, key: (request) => JSON.parse(`"${query(request, 'key')}"`) })
    for (const key of ['\\u0000', '\\ud800', 'x'.repeat(5_000)]) {
      await cache.clear()
      expect(await statuses(app, 2, `/?key=${encodeURIComponent(key)}`)).toEqual([200, 429])
    }
  })
})

describe('the arguments of the handler', () => {
  it('are passed to the handler and to every function of the options', async () => {
    interface Env {
      scope: string
    }
    const seen: Record<string, unknown[]> = {}
    const see = (name: string, ...args: unknown[]) => {
      seen[name] = args
    }
    const handle = rateLimit(
      (request: Request, env: Env, context: { id: number }) => {
        see('handler', request, env, context)
        return new Response('welcome')
      },
      {
        cache(request, env, context) {
          see('cache', request, env, context)
          return cache.namespace(env.scope)
        },
        limit(...args) {
          see('limit', ...args)
          return 1
        },
        period: '1m',
        timeout: PATIENCE_MS,
        key(...args) {
          see('key', ...args)
          return 'client'
        },
        skip(...args) {
          see('skip', ...args)
          return false
        },
        onLimit(result, ...args) {
          see('onLimit', ...args)
          return new Response(`${result.count}`, { status: 429 })
        },
        onError(error, ...args) {
          see('onError', String(error), ...args)
        },
      },
    )
    const args = [new Request('https://example.com'), { scope: 'a' }, { id: 1 }] as const
    const answers = [await handle(...args), await handle(...args), await handle(args[0], { scope: 'b' }, args[2])]
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 200])
    stash.faults.always({ kind: 'error', status: 500 })
    await handle(...args)
    const { onError = [], ...others } = seen
    expect(onError).toEqual([expect.stringContaining('DatabaseError'), ...args])
    expect(Object.keys(others).sort()).toEqual(['cache', 'handler', 'key', 'limit', 'onLimit', 'skip'])
    for (const given of Object.values(others)) {
      expect(given.every((each, i) => each === args[i])).toBe(true)
      expect(given).toHaveLength(3)
    }
  })

  it('reach the handler even if it declares none', async () => {
    const handle = rateLimit(() => new Response('welcome'), {
      cache,
      limit: 1,
      period: 60,
      timeout: PATIENCE_MS,
      key: (request) => request.url,
    })
    const call = async (path: string) => (await handle(new Request(`https://example.com/${path}`), 'more')).status
    expect([await call('a'), await call('a'), await call('b')]).toEqual([200, 429, 200])
  })
})

describe('the counters of limits', () => {
  it('are not shared by different limits on one key', async () => {
    const sized = (limit: number, period: number) => make({ name: undefined, limit, period })
    expect(await statuses(sized(1, 60), 2)).toEqual([200, 429])
    expect(await statuses(sized(2, 60), 3)).toEqual([200, 200, 429])
    expect(await statuses(sized(1, 61.5), 2)).toEqual([200, 429])
    expect(await statuses(make({ name: undefined, limit: () => 1 }), 2)).toEqual([200, 429])
    expect(await counters(cache)).toEqual([
      'rate-limit:1-per-60s:client',
      'rate-limit:1-per-61.5s:client',
      'rate-limit:2-per-60s:client',
      'rate-limit:per-60s:client',
    ])
  })

  it('are shared by all handlers and isolates if limits have one name', async () => {
    expect(await statuses(make(), 1)).toEqual([200])
    expect(await statuses(make(), 2)).toEqual([200, 429])
  })

  it('survive a change of a named limit', async () => {
    await statuses(make({ limit: 2 }), 2)
    expect(await statuses(make({ limit: 3 }), 2)).toEqual([200, 429])
  })

  it('are reset by deleting rateLimitKey', async () => {
    const app = make({ limit: 1, key: () => 'a:b\0' })
    await statuses(app, 1)
    expect(await cache.delete(rateLimitKey('two', 'a:b\0'))).toBe(true)
    expect(await statuses(app, 2)).toEqual([200, 429])
  })

  it('end with their window, so that cleanup can delete them', async () => {
    await statuses(make(), 1)
    await advance(stash.db, 61_000)
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
  })
})
