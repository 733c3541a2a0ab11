import { neonConfig } from '@neondatabase/serverless'
import { type Cache, type CacheEvent, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

/** The errors that Next throws from `fetch`, copied, because its classes are private. */
const SIGNALS = {
  'that a page is dynamic': Object.assign(new Error('Dynamic server usage'), { digest: 'DYNAMIC_SERVER_USAGE' }),
  'that a prerender is over': Object.assign(new Error('rejects when …'), { digest: 'HANGING_PROMISE_REJECTION' }),
  'that a page may not be dynamic': Object.assign(new Error('dynamic = "error"'), { code: 'NEXT_STATIC_GEN_BAILOUT' }),
  'that a render is postponed': Object.assign(new Error('postponed'), { $$typeof: Symbol.for('react.postpone') }),
}

let neon: Awaited<ReturnType<typeof createNeon>>
/** Called before each request, and may throw. */
let beforeFetch: (() => void) | undefined
let requests: RequestInit[]

beforeAll(async () => {
  neon = await createNeon(await createDatabase())
  await migrate(neon.db)
})

beforeEach(() => {
  requests = []
  neonConfig.fetchFunction = async (url: string, init: RequestInit) => {
    requests.push(init)
    beforeFetch?.()
    return fetch(url, init)
  }
})

afterEach(() => {
  beforeFetch = undefined
  neonConfig.fetchFunction = undefined
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const CALLS: Record<string, (cache: Cache) => Promise<unknown>> = {
  get: (cache) => cache.get('key'),
  'a sliding get': (cache) => cache.get('key', { sliding: '1m' }),
  getMany: (cache) => cache.getMany(['a', 'b']),
  has: (cache) => cache.has('key'),
  set: (cache) => cache.set('key', 1),
  getOrSet: (cache) => cache.getOrSet('key', () => expect.unreachable('it computed')),
  'a stale getOrSet': (cache) => cache.getOrSet('key', () => expect.unreachable('it computed'), { stale: '1h' }),
  limit: (cache) => cache.limit('key', { limit: 1, period: '1m' }),
  delete: (cache) => cache.delete('key'),
}

describe.each(Object.entries(SIGNALS))('a signal of Next %s', (_name, signal) => {
  it.each(Object.entries(CALLS))(
    'reaches Next unchanged through %s, at once and without events',
    async (_call, call) => {
      const events: CacheEvent[] = []
      const cache = createCache(neon.db, { onError: 'miss', onEvent: (event) => events.push(event) })
      beforeFetch = () => {
        throw signal
      }
      for (let i = 0; i < 6; i++) expect(await call(cache).catch((thrown: unknown) => thrown)).toBe(signal)
      // No retries, and the circuit stays closed, because nothing has failed.
      expect(requests).toHaveLength(6)
      expect(events).toEqual([])
    },
  )
})

describe('a signal of Next', () => {
  const signal = SIGNALS['that a prerender is over']

  function throwFirst(): void {
    beforeFetch = () => {
      beforeFetch = undefined
      throw signal
    }
  }

  it('does not reach reads of another page that share the statement', async () => {
    const cache = createCache(neon.db)
    await cache.set('shared', 'value')
    throwFirst()
    const [first, second] = await Promise.allSettled([cache.get('missing'), cache.get('shared')])
    expect(first).toEqual({ status: 'rejected', reason: signal })
    expect(second).toEqual({ status: 'fulfilled', value: 'value' })
  })

  it('does not reach a getOrSet of another page that shares the read', async () => {
    const cache = createCache(neon.db)
    throwFirst()
    const [first, second] = await Promise.allSettled([
      cache.getOrSet('signalled', () => 'of the first'),
      cache.getOrSet('signalled', () => 'of the second'),
    ])
    expect(first).toEqual({ status: 'rejected', reason: signal })
    expect(second).toEqual({ status: 'fulfilled', value: 'of the second' })
  })
})

describe('requests over HTTP', () => {
  it('bypass the cache of a fetch that Next has wrapped, even if another wrapper is around that', async () => {
    const cache = createCache(neon.db)
    await cache.get('key')
    // Next marks the global object this way.
    vi.stubGlobal(Symbol.for('next-patch') as unknown as string, true)
    await cache.get('key')
    expect(requests.map((init) => Reflect.get(init, 'cache'))).toEqual([undefined, 'no-store'])
  })

  it('set no cache mode elsewhere, because older Workers refuse it', async () => {
    await createCache(neon.db).get('key')
    expect(requests.map((init) => ['cache' in init, 'next' in init])).toEqual([[false, false]])
  })
})
