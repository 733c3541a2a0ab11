import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { type Cache, CacheError, createCache, memoryCache, tieredCache } from 'pgstash'
import { type SecondaryStorage, secondaryStorage } from 'pgstash/better-auth'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cost, createMigratedStash, emptied } from '../rate-limit/limits.ts'
import { advance } from '../setup/postgres-store.ts'

type Stash = Awaited<ReturnType<typeof createMigratedStash>>

let stash: Stash
let cache: Cache
let faults: Faults
let storage: SecondaryStorage

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
  storage = secondaryStorage(cache)
})

beforeEach(() => emptied(stash))

describe('secondaryStorage', () => {
  it.each(['{"session":{"token":"t"}}', '"5"', '5', 'null', '', '[1,2]', 'ü\u0000', 'undefined'])(
    'returns exactly the text %j',
    async (text) => {
      await storage.set('k', text)
      expect(await storage.get('k')).toBe(text)
      expect(await storage.getAndDelete('k')).toBe(text)
      expect(await storage.get('k')).toBeNull()
    },
  )

  it('counts a time to live in seconds', async () => {
    await storage.set('k', 'v', 90)
    await advance(stash.db, 80_000)
    expect(await storage.get('k')).toBe('v')
    await advance(stash.db, 11_000)
    expect(await storage.get('k')).toBeNull()
  })

  it('never expires an entry without a time to live, whatever the default of the cache', async () => {
    const own = createCache(stash.db, { expiration: '1m', timeout: 60_000 })
    await secondaryStorage(own).set('k', 'v')
    expect(await own.namespace('better-auth').expiration('k')).toBeNull()
  })

  it.each([0, -1])('treats a time to live of %d as expired, and keeps no older value', async (ttl) => {
    await storage.set('k', 'old', 60)
    await storage.set('k', 'new', ttl)
    expect(await storage.get('k')).toBeNull()
    expect(await storage.getAndDelete('k')).toBeNull()
  })

  it('gives a token to one of 50 parallel callers', async () => {
    await storage.set('verification:t', 'token', 60)
    const answers = await Promise.all(Array.from({ length: 50 }, () => storage.getAndDelete('verification:t')))
    expect(answers.filter((answer) => answer !== null)).toEqual(['token'])
  })

  it('counts 50 parallel increments exactly, each with its own sum', async () => {
    const sums = await Promise.all(Array.from({ length: 50 }, () => storage.increment('ip|/sign-in', 60)))
    expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  })

  it('starts a new window only after the previous one has ended', async () => {
    expect(await storage.increment('k', 60)).toBe(1)
    await advance(stash.db, 50_000)
    expect(await storage.increment('k', 60)).toBe(2)
    await advance(stash.db, 11_000)
    expect(await storage.increment('k', 60)).toBe(1)
  })

  it('stores no counter if its time to live is 0', async () => {
    expect([await storage.increment('k', 0), await storage.increment('k', 0)]).toEqual([1, 1])
  })

  it('returns a counter as text', async () => {
    await storage.increment('k', 60)
    expect(await storage.get('k')).toBe('1')
  })

  it('needs no receiver, because better-auth detaches the methods from the object', async () => {
    const { get, set, increment, getAndDelete, delete: remove } = storage
    await set('k', 'v', 60)
    expect([await get('k'), await increment('n', 60), await getAndDelete('k')]).toEqual(['v', 1, 'v'])
    expect(await remove('k')).toBeUndefined()
  })

  it('costs one round trip for each method', async () => {
    const calls = [
      () => storage.set('k', 'v', 60),
      () => storage.get('k'),
      () => storage.getAndDelete('k'),
      () => storage.increment('n', 60),
      () => storage.delete('n'),
    ]
    for (const call of calls) {
      faults.reset()
      await call()
      expect(cost(faults), String(call)).toEqual({ requests: 1, statements: 1 })
    }
  })

  it('rejects every call while the database fails, because an outage is not a missing session', async () => {
    await storage.set('k', 'v')
    faults.always({ kind: 'error', status: 503 })
    const calls = [
      () => storage.get('k'),
      () => storage.getAndDelete('k'),
      () => storage.set('k', 'w'),
      () => storage.increment('n', 60),
      () => storage.delete('k'),
    ]
    for (const call of calls) await expect(call()).rejects.toThrow(CacheError)
    faults.heal()
    expect(await storage.get('k')).toBe('v')
  })

  it('keeps its entries in a namespace', async () => {
    await storage.set('k', 'v')
    await secondaryStorage(cache, { namespace: 'other' }).set('k', 'w')
    expect(await storage.get('k')).toBe('v')
    expect((await cache.list()).entries.map(({ namespace }) => namespace)).toEqual([['better-auth'], ['other']])
  })

  it.each([
    ["a cache with onError: 'miss'", () => createCache(stash.db, { onError: 'miss' }), /onError: 'throw'/],
    ['a cache of two tiers', () => tieredCache({ l1: memoryCache(), l2: cache }), /without a first tier/],
    [
      'a namespace of one of these caches',
      () => tieredCache({ l1: memoryCache(), l2: cache }).namespace('a'),
      /first tier/,
    ],
    [
      'a value that is not a cache',
      () => ({}) as never,
      /^Expected the argument of secondaryStorage to be a cache, got an object/,
    ],
  ])('refuses %s', (_, create, message) => {
    expect(() => secondaryStorage(create())).toThrow(message)
  })

  it('refuses unknown options', () => {
    expect(() => secondaryStorage(cache, { namespce: 'a' } as never)).toThrow('did you mean namespace?')
  })
})

describe('better-auth', () => {
  const credentials = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }

  function createAuth(options: Partial<BetterAuthOptions> = {}) {
    const tables = { user: [], session: [], account: [], verification: [], rateLimit: [] }
    return betterAuth({
      baseURL: 'https://example.com',
      secret: 'a secret of at least thirty-two characters, with 9 digits 123456789',
      database: memoryAdapter(tables),
      emailAndPassword: { enabled: true },
      secondaryStorage: storage,
      rateLimit: { enabled: false },
      telemetry: { enabled: false },
      logger: { disabled: true },
      ...options,
    })
  }

  type Auth = ReturnType<typeof createAuth>

  function call(auth: Auth, path: string, { body, cookie }: { body?: unknown; cookie?: string | undefined } = {}) {
    const headers: Record<string, string> = {
      origin: 'https://example.com',
      'x-forwarded-for': '203.0.113.7',
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) }
    return auth.handler(new Request(`https://example.com/api/auth${path}`, init))
  }

  function cookieOf(response: Response): string {
    return response.headers
      .getSetCookie()
      .map((field) => field.split(';')[0])
      .join('; ')
  }

  async function sessionOf(auth: Auth, cookie: string): Promise<string | undefined> {
    const response = await call(auth, '/get-session', { cookie })
    if (response.status !== 200) throw new Error(`Expected a session or null, got status ${response.status}.`)
    const session = (await response.json()) as { user?: { email: string } } | null
    return session?.user?.email
  }

  it('signs up, in and out, with sessions that live in Postgres', async () => {
    const auth = createAuth()
    const signedUp = await call(auth, '/sign-up/email', { body: credentials })
    expect(signedUp.status).toBe(200)
    expect(await sessionOf(auth, cookieOf(signedUp))).toBe(credentials.email)

    const signedIn = await call(auth, '/sign-in/email', { body: credentials })
    expect(signedIn.status).toBe(200)
    const cookie = cookieOf(signedIn)
    expect(await sessionOf(auth, cookie)).toBe(credentials.email)
    expect(await sessionOf(auth, cookieOf(signedUp))).toBe(credentials.email)

    expect((await call(auth, '/sign-out', { cookie, body: {} })).status).toBe(200)
    expect(await sessionOf(auth, cookie)).toBeUndefined()
    expect(await sessionOf(auth, cookieOf(signedUp))).toBe(credentials.email)
  })

  it('lists the sessions of a user, and revokes all others', async () => {
    const auth = createAuth()
    await call(auth, '/sign-up/email', { body: credentials })
    const [one, two] = [
      cookieOf(await call(auth, '/sign-in/email', { body: credentials })),
      cookieOf(await call(auth, '/sign-in/email', { body: credentials })),
    ]
    expect(await (await call(auth, '/list-sessions', { cookie: one })).json()).toHaveLength(3)
    expect((await call(auth, '/revoke-other-sessions', { cookie: one, body: {} })).status).toBe(200)
    expect([await sessionOf(auth, one), await sessionOf(auth, two)]).toEqual([credentials.email, undefined])
  })

  it('ends a session when it expires', async () => {
    const auth = createAuth({ session: { expiresIn: 3_600 } })
    const cookie = cookieOf(await call(auth, '/sign-up/email', { body: credentials }))
    await advance(stash.db, 3_601_000)
    expect(await sessionOf(auth, cookie)).toBeUndefined()
  })

  it('keeps a session through a short database failure', async () => {
    const auth = createAuth()
    const cookie = cookieOf(await call(auth, '/sign-up/email', { body: credentials }))
    faults.always({ kind: 'error', status: 503 })
    const failed = await call(auth, '/get-session', { cookie })
    expect(failed.status).toBe(500)
    expect(failed.headers.getSetCookie()).toEqual([])
    faults.heal()
    expect(await sessionOf(auth, cookie)).toBe(credentials.email)
  })

  it('limits sign-ins of all instances together, even if they are concurrent', async () => {
    const rateLimit = { enabled: true, storage: 'secondary-storage' } as const
    const auths = [createAuth({ rateLimit }), createAuth({ rateLimit })]
    const wrong = { email: 'ada@example.com', password: 'wrong password' }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => call(auths[i % 2] as Auth, '/sign-in/email', { body: wrong })),
    )
    // better-auth allows three sign-ins in ten seconds.
    expect(answers.filter(({ status }) => status !== 429)).toHaveLength(3)
    await advance(stash.db, 11_000)
    expect((await call(auths[0] as Auth, '/sign-in/email', { body: wrong })).status).toBe(401)
  })

  it('redeems a token for a new password once, among 20 concurrent requests', async () => {
    let token = ''
    const auth = createAuth({
      emailAndPassword: {
        enabled: true,
        sendResetPassword: async (data) => {
          token = data.token
        },
      },
    })
    await call(auth, '/sign-up/email', { body: credentials })
    await call(auth, '/request-password-reset', { body: { email: credentials.email, redirectTo: '/reset' } })
    expect(token).not.toBe('')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        call(auth, '/reset-password', { body: { token, newPassword: `new password ${i}` } }),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})
