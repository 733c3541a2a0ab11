import { Hono } from 'hono'
import { type Session, type SessionOptions, type Store, sessionMiddleware } from 'hono-sessions'
import { type Cache, CacheError, createCache, memoryCache, tieredCache } from 'pgstash'
import { type SessionData, type SessionStoreOptions, sessionStore } from 'pgstash/hono'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../../docs/snippets/sessions/hono-sessions.ts'
import { cost, createMigratedStash, emptied } from '../../rate-limit/limits.ts'
import { advance } from '../../setup/postgres-store.ts'

type Stash = Awaited<ReturnType<typeof createMigratedStash>>

let stash: Stash
let cache: Cache
let faults: Faults

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
})

beforeEach(() => emptied(stash))

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

function emptySession(data: SessionData['_data'] = {}): SessionData {
  return { _data: data, _expire: null, _delete: false, _accessed: null }
}

const entry = (value: unknown) => ({ value, flash: false })

async function loaded(id: string, options?: SessionStoreOptions): Promise<SessionData> {
  const session = await sessionStore(cache, options).getSessionById(id)
  if (session === null) throw new Error('Expected a session.')
  return session
}

describe('sessionStore', () => {
  it('loads a session that was created and saved, also in another process', async () => {
    const store = sessionStore(cache)
    expect(await store.getSessionById('id')).toBeNull()
    const session = emptySession()
    await store.createSession('id', session)
    expect(await loaded('id')).toEqual(emptySession())
    session._data = { user: entry('ada') }
    await store.persistSessionData('id', session)
    expect(await loaded('id')).toEqual(emptySession({ user: entry('ada') }))
    await store.deleteSession('id')
    expect(await store.getSessionById('id')).toBeNull()
    expect(await cache.count()).toBe(0)
  })

  it.each([undefined, ''])('finds no session without an id (%j), and sends no statement', async (id) => {
    faults.reset()
    expect(await sessionStore(cache).getSessionById(id)).toBeNull()
    expect(faults.requests).toBe(0)
  })

  it.each(['a\u0000b', '\ud800', 'x'.repeat(10_000), "' or true --"])(
    'finds no session for a forged id',
    async (id) => {
      expect(await sessionStore(cache).getSessionById(id)).toBeNull()
    },
  )

  it.each([
    ['deleted', (id: string) => sessionStore(cache).deleteSession(id)],
    ['cleared with all others', () => cache.namespace('sessions').clear()],
    ['expired', () => advance(stash.db, 8 * DAY_MS)],
  ])('does not revive a session that a slow request saves after it was %s', async (_, end) => {
    const store = sessionStore(cache)
    await store.createSession('id', emptySession({ user: entry('ada') }))
    const slow = await store.getSessionById('id')
    await end('id')
    if (slow === null) throw new Error('Expected a session.')
    slow._data.user = entry('still ada')
    await store.persistSessionData('id', slow)
    expect(await store.getSessionById('id')).toBeNull()
    expect(await cache.count()).toBe(0)
  })

  it('does not revive a session whose data did not change', async () => {
    const store = sessionStore(cache)
    await store.createSession('id', emptySession())
    const slow = await loaded('id')
    await store.deleteSession('id')
    await store.persistSessionData('id', slow)
    await store.persistSessionData('id', emptySession({ forged: entry(true) }))
    expect(await store.getSessionById('id')).toBeNull()
    expect(await cache.count()).toBe(0)
  })

  it('never revives a session that is deleted and saved at the same time', async () => {
    const store = sessionStore(cache)
    for (let round = 0; round < 20; round++) {
      const id = `id ${round}`
      await store.createSession(id, emptySession())
      const [one, two] = [await loaded(id), await loaded(id)]
      one._data.a = entry(round)
      await Promise.all([store.persistSessionData(id, one), store.deleteSession(id), store.persistSessionData(id, two)])
      expect(await store.getSessionById(id)).toBeNull()
    }
  })

  it('ends an unused session, and keeps one in use', async () => {
    const store = sessionStore(cache, { expiration: '1h' })
    await store.createSession('id', emptySession())
    for (let i = 0; i < 3; i++) {
      await advance(stash.db, 0.9 * HOUR_MS)
      await store.persistSessionData('id', await loaded('id'))
    }
    await advance(stash.db, 1.1 * HOUR_MS)
    expect(await store.getSessionById('id')).toBeNull()
  })

  it('applies the limit of the middleware in place of its own', async () => {
    const store = sessionStore(cache, { expiration: '1h' })
    const session = emptySession()
    session._expire = new Date(Date.now() + 2 * HOUR_MS).toISOString()
    await store.createSession('id', session)
    await advance(stash.db, 1.5 * HOUR_MS)
    expect(await store.getSessionById('id')).not.toBeNull()
    await advance(stash.db, HOUR_MS)
    expect(await store.getSessionById('id')).toBeNull()
  })

  it('ends a session at its maximum age, however often it is used, also under a new id', async () => {
    // The clock of the application decides how old a session is, so the test must move more than the database's clock.
    const real = Date.now
    let passed = 0
    Date.now = () => real() + passed
    try {
      const store = sessionStore(cache, { expiration: '1d', maxAge: '3d' })
      let id = 'first'
      await store.createSession(id, emptySession())
      const sleep = async () => {
        passed += 0.9 * DAY_MS
        await advance(stash.db, 0.9 * DAY_MS)
      }
      for (let i = 0; i < 3; i++) {
        await sleep()
        const session = await loaded(id, { expiration: '1d', maxAge: '3d' })
        session._data[`visit ${i}`] = entry(true)
        await store.persistSessionData(id, session)
        if (i !== 1) continue
        const again = await store.getSessionById(id)
        if (again === null) throw new Error('Expected a session.')
        await store.deleteSession(id)
        await store.createSession('second', again)
        id = 'second'
      }
      await sleep()
      expect(await store.getSessionById(id)).toBeNull()
    } finally {
      Date.now = real
    }
  })

  it('extends an unchanged session without rewriting its data, which a parallel request may have changed', async () => {
    const store = sessionStore(cache)
    await store.createSession('id', emptySession({ n: entry(0) }))
    const [slow, fast] = [await store.getSessionById('id'), await store.getSessionById('id')]
    if (slow === null || fast === null) throw new Error('Expected a session.')
    fast._data.n = entry(1)
    await store.persistSessionData('id', fast)
    await store.persistSessionData('id', slow)
    expect((await loaded('id'))._data).toEqual({ n: entry(1) })
  })

  it('costs one round trip per method, and two to save changed data', async () => {
    const store = sessionStore(cache)
    const requests: [string, number][] = []
    const measured = async <T>(name: string, work: Promise<T>): Promise<T> => {
      const result = await work
      requests.push([name, cost(faults).statements])
      faults.reset()
      return result
    }
    faults.reset()
    const session = emptySession()
    await measured('create', store.createSession('id', session))
    await measured('save unchanged', store.persistSessionData('id', session))
    session._data.user = entry('ada')
    await measured('save', store.persistSessionData('id', session))
    await measured('save again, unchanged', store.persistSessionData('id', session))
    await measured('load', store.getSessionById('id'))
    await measured('delete', store.deleteSession('id'))
    expect(requests).toEqual([
      ['create', 1],
      ['save unchanged', 1],
      ['save', 2],
      ['save again, unchanged', 1],
      ['load', 1],
      ['delete', 1],
    ])
  })

  it('stores no session id in plain text', async () => {
    const store = sessionStore(cache)
    const session = emptySession()
    await store.createSession('the-secret-id', session)
    session._data.user = entry('ada')
    await store.persistSessionData('the-secret-id', session)
    const { rows } = (await stash.db.execute('select * from cache_entries')) as { rows: unknown[] }
    expect(rows).toHaveLength(2)
    expect(JSON.stringify(rows)).not.toContain('the-secret-id')
  })

  it('rejects every call but load while the database fails, and then reading the session fails', async () => {
    const store = sessionStore(cache)
    const session = emptySession()
    await store.createSession('id', session)
    faults.always({ kind: 'error', status: 503 })
    await expect(store.createSession('other', emptySession())).rejects.toThrow(CacheError)
    await expect(store.persistSessionData('id', session)).rejects.toThrow(CacheError)
    await expect(store.deleteSession('id')).rejects.toThrow(CacheError)
    const failed = await store.getSessionById('id')
    expect(() => failed?._data).toThrow(CacheError)
    expect(() => failed?._expire).toThrow(CacheError)
    faults.heal()
    expect(await store.getSessionById('id')).toEqual(emptySession())
  })

  it.each([
    ["a cache with onError: 'miss'", () => createCache(stash.db, { onError: 'miss' }), /onError: 'throw'/],
    ['a cache of two tiers', () => tieredCache({ l1: memoryCache(), l2: cache }), /without a first tier/],
    [
      'a value that is not a cache',
      () => ({}) as never,
      /^Expected the argument of sessionStore to be a cache, got an object/,
    ],
  ])('refuses %s', (_, create, message) => {
    expect(() => sessionStore(create())).toThrow(message)
  })

  it.each([{ expiration: 0 }, { expiration: null }, { maxAge: '-1d' }, { maxAge: null }, { idle: '1d' }])(
    'refuses the options %j',
    (options) => {
      expect(() => sessionStore(cache, options as never)).toThrow(CacheError)
    },
  )
})

describe('hono-sessions', () => {
  const KEY = 'a key of at least thirty-two characters'

  function createSite({ encryptionKey = KEY, ...options }: Partial<SessionOptions> & { isPlain?: boolean } = {}) {
    const store: Store = sessionStore(cache)
    let wait: Promise<void> = Promise.resolve()
    let onArrival = () => {}
    const app = new Hono<{ Variables: { session: Session } }>()
      .use(sessionMiddleware({ store, ...(options.isPlain ? {} : { encryptionKey }), ...options }))
      .onError((error, c) => c.text(error.name, 500))
      .get('/read', (c) => c.json(c.get('session').get('n')))
      .get('/flash', (c) => c.json(c.get('session').get('message')))
      .post('/flash', (c) => {
        c.get('session').flash('message', 'saved')
        return c.text('ok')
      })
      .post('/set/:n', (c) => {
        c.get('session').set('n', Number(c.req.param('n')))
        return c.text('ok')
      })
      .post('/slow', async (c) => {
        onArrival()
        await wait
        c.get('session').set('n', 99)
        return c.text('ok')
      })
      .post('/out', (c) => {
        c.get('session').deleteSession()
        return c.text('bye')
      })
    const hold = () => {
      let release = () => {}
      wait = new Promise((resolve) => {
        release = resolve
      })
      const arrived = new Promise<void>((resolve) => {
        onArrival = resolve
      })
      return { release, arrived }
    }
    return { app, hold }
  }

  type App = Pick<Hono, 'request'>

  async function call(app: App, method: string, path: string, cookie?: string) {
    const response = await app.request(path, { method, headers: cookie === undefined ? {} : { cookie } })
    const set = response.headers.getSetCookie()[0]?.split(';')[0]
    return { response, status: response.status, cookie: set ?? cookie ?? '' }
  }

  const read = async (app: App, cookie: string) => (await call(app, 'GET', '/read', cookie)).response.json()

  it('keeps a session from request to request, in all processes', async () => {
    const [one, two] = [createSite().app, createSite().app]
    const { cookie } = await call(one, 'POST', '/set/1')
    expect(await read(two, cookie)).toBe(1)
    await call(two, 'POST', '/set/2', cookie)
    expect(await read(one, cookie)).toBe(2)
  })

  it('keeps the sessions of clients apart', async () => {
    const { app } = createSite()
    const [a, b] = [await call(app, 'POST', '/set/1'), await call(app, 'POST', '/set/2')]
    expect([await read(app, a.cookie), await read(app, b.cookie)]).toEqual([1, 2])
  })

  it('shows a message once', async () => {
    const { app } = createSite()
    const { cookie } = await call(app, 'POST', '/flash')
    const messages = [await call(app, 'GET', '/flash', cookie), await call(app, 'GET', '/flash', cookie)]
    expect(await Promise.all(messages.map(({ response }) => response.json()))).toEqual(['saved', null])
  })

  it('logs out for good, even if a slow request saves the session afterwards', async () => {
    const { app, hold } = createSite()
    const { cookie } = await call(app, 'POST', '/set/1')
    const { release, arrived } = hold()
    const slow = call(app, 'POST', '/slow', cookie)
    await arrived
    await call(app, 'POST', '/out', cookie)
    release()
    expect((await slow).status).toBe(200)
    expect(await read(app, cookie)).toBeNull()
  })

  it('ends a session a set time after the last request', async () => {
    const { app } = createSite({ expireAfterSeconds: 3_600 })
    const { cookie } = await call(app, 'POST', '/set/1')
    for (let i = 0; i < 3; i++) {
      await advance(stash.db, 0.9 * HOUR_MS)
      expect(await read(app, cookie)).toBe(1)
    }
    await advance(stash.db, 1.1 * HOUR_MS)
    expect(await read(app, cookie)).toBeNull()
  })

  it('costs two round trips for a request that reads, and one without automatic extension', async () => {
    const costs: number[] = []
    for (const autoExtendExpiration of [true, false]) {
      const { app } = createSite({ expireAfterSeconds: 3_600, autoExtendExpiration })
      const { cookie } = await call(app, 'POST', '/set/1')
      faults.reset()
      expect(await read(app, cookie)).toBe(1)
      costs.push(cost(faults).statements)
    }
    expect(costs).toEqual([2, 1])
  })

  it('keeps the user logged in through a short database failure', async () => {
    const { app } = createSite()
    const { cookie } = await call(app, 'POST', '/set/1')
    faults.next({ kind: 'error', status: 400, body: { message: 'out of memory', code: '53200' } })
    const failed = await call(app, 'GET', '/read', cookie)
    expect([failed.status, await failed.response.text()]).toEqual([500, 'DatabaseError'])
    expect(failed.response.headers.getSetCookie()).toEqual([])
    expect(await read(app, cookie)).toBe(1)
  })

  it('replaces a forged or foreign cookie by a new session', async () => {
    const { app } = createSite()
    const forged = await call(app, 'GET', '/read', 'session=forged')
    expect(forged.status).toBe(200)
    const plain = createSite({ isPlain: true }).app
    const { cookie } = await call(plain, 'POST', '/set/1', 'session=chosen-by-an-attacker')
    expect(cookie).not.toContain('chosen-by-an-attacker')
    expect(await read(plain, 'session=chosen-by-an-attacker')).toBeNull()
  })

  it('works as the docs show it', async () => {
    const app = createApp(cache, KEY)
    const before = await call(app as never, 'GET', '/me')
    const login = await app.request('/login', {
      method: 'POST',
      body: JSON.stringify({ email: 'ada@example.com' }),
      headers: { cookie: before.cookie, 'content-type': 'application/json' },
    })
    const cookie = login.headers.getSetCookie().at(-1)?.split(';')[0] ?? ''
    const me = async (own: string) => (await call(app as never, 'GET', '/me', own)).response.json()
    expect(cookie).not.toBe(before.cookie)
    expect(await me(cookie)).toEqual({ email: 'ada@example.com' })
    expect(await me(before.cookie)).toEqual({ email: null })
    await call(app as never, 'POST', '/logout', cookie)
    expect(await me(cookie)).toEqual({ email: null })
  })
})
