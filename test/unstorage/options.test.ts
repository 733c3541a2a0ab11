import { inspect } from 'node:util'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import unstorageDefault, { unstorageDriver } from 'pgstash/unstorage'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

type Site = Awaited<ReturnType<typeof createNeon>>

const SECRET = 'postgresql://user:hunter2@db.example.com/none'

let site: Site
let url: string

beforeAll(async () => {
  site = await createNeon(await createDatabase())
  url = site.server.connectionString
  await migrate(site.db)
})

afterEach(() => {
  vi.unstubAllEnvs()
  site.faults.heal()
})

describe('the factory of the driver', () => {
  it('is the default export, because configurations name modules', () => {
    expect(unstorageDefault).toBe(unstorageDriver)
    expect(unstorageDefault()).toMatchObject({ name: 'pgstash', flags: { ttl: true } })
  })

  it('sends nothing, and needs no connection string', () => {
    for (const name of ['DATABASE_URL', 'POSTGRES_URL']) vi.stubEnv(name, '')
    site.faults.reset()
    for (const options of [undefined, {}, { url }, { url: SECRET }, { cache: createCache(site.db) }]) {
      expect(unstorageDriver(options).name).toBe('pgstash')
    }
    expect(site.faults.requests).toBe(0)
  })

  it('ignores options that Nitro passes, and undefined ones', () => {
    const options = { driver: 'pgstash/unstorage', readOnly: false, url: undefined, base: undefined, cache: undefined }
    expect(unstorageDriver({ ...options, url: '', base: '' } as object).name).toBe('pgstash')
  })

  it('shows no connection string', () => {
    expect(inspect(unstorageDriver({ url: SECRET }), { depth: 9, showHidden: true })).not.toContain('hunter2')
  })

  it.each<[unknown, string, RegExp]>([
    ['postgresql://localhost', 'INVALID_OPTION', /options to be an object such as \{ cache \}/],
    [null, 'INVALID_OPTION', /options to be an object/],
    [{ cache: {} }, 'INVALID_OPTION', /cache to be a cache/],
    [{ cache: null }, 'INVALID_OPTION', /cache to be a cache/],
    [{ url: 5 }, 'INVALID_OPTION', /url to be a string, got a number/],
    [{ base: 5 }, 'INVALID_OPTION', /base to be a string/],
    [{ namespace: '' }, 'INVALID_KEY', /namespace of at least one character/],
    [{ namespace: 'x'.repeat(200) }, 'INVALID_KEY', /at most 128 bytes/],
    [{ ttl: -1 }, 'INVALID_EXPIRATION', /ttl to be a positive span/],
    [{ ttl: '3600' }, 'INVALID_EXPIRATION', /Expected ttl/],
    [{ ttl: new Date() }, 'INVALID_EXPIRATION', /positive span of time, got a Date/],
    [{ timeout: -1 }, 'INVALID_OPTION', /timeout/],
    [{ onError: 'ignore' }, 'INVALID_OPTION', /onError/],
  ])('refuses %o', (options, code, message) => {
    expect(failureOf(() => unstorageDriver(options as object))).toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  it('refuses both a cache and a url', () => {
    const failure = failureOf(() => unstorageDriver({ cache: createCache(site.db), url: SECRET }))
    expect(failure).toMatchObject({ code: 'INVALID_OPTION', message: 'Expected either cache or url, got both.' })
  })
})

describe('a driver with a connection string', () => {
  it('keeps items in its namespace', async () => {
    const driver = unstorageDriver({ url, namespace: 'one', timeout: 60_000 })
    await driver.setItem('a', 'text', { ttl: 60 })
    expect(await createCache(site.db, { timeout: 60_000 }).namespace('one').get('a')).toBe('text')
    expect(await unstorageDriver({ url, namespace: 'two', timeout: 60_000 }).getItem('a')).toBe(null)
  })

  it('opens one cache', () => {
    const driver = unstorageDriver({ url })
    expect(driver.getInstance()).toBe(driver.getInstance())
  })

  it.each([[{ DATABASE_URL: 'url' }], [{ POSTGRES_URL: 'url' }], [{ DATABASE_URL: 'url', POSTGRES_URL: 'wrong' }]])(
    'finds the string in the environment, at the first call: %o',
    async (names) => {
      const driver = unstorageDriver({ timeout: 60_000 })
      for (const [name, value] of Object.entries({ DATABASE_URL: '', POSTGRES_URL: '', ...names })) {
        vi.stubEnv(name, value === 'url' ? url : value === 'wrong' ? SECRET : value)
      }
      await driver.setItem('env', 'text')
      expect(await driver.getItem('env')).toBe('text')
    },
  )

  it('reports a missing string, and looks again', async () => {
    for (const name of ['DATABASE_URL', 'POSTGRES_URL']) vi.stubEnv(name, '')
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const [cached, stored] = [
      unstorageDriver({ timeout: 60_000 }),
      unstorageDriver({ timeout: 60_000, onError: 'throw' }),
    ]
    await expect(stored.getItem('a')).rejects.toMatchObject({
      code: 'DATABASE',
      message: expect.stringContaining('DATABASE_URL'),
    })
    expect(await cached.getItem('a')).toBe(null)
    expect(warn.mock.calls.flat().join()).toContain('DATABASE_URL')
    warn.mockRestore()
    vi.stubEnv('DATABASE_URL', url)
    await cached.setItem('a', 'text')
    expect(await stored.getItem('a')).toBe('text')
  })

  it.each(['postgresql://user:hunter2@', 'mysql://user:hunter2@host/db', 'hunter2'])(
    'refuses an invalid string at once without showing it: %#',
    (wrong) => {
      const failure = failureOf(() => unstorageDriver({ url: wrong }))
      expect(failure).toMatchObject({ code: 'INVALID_OPTION' })
      expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('hunter2')
    },
  )
})

describe('a database that does not answer', () => {
  it('is a miss within the timeout, and works again later', async () => {
    const driver = unstorageDriver({ url, timeout: 500 })
    await unstorageDriver({ url, timeout: 60_000 }).setItem('a', 'text')
    site.faults.always({ kind: 'error', status: 503 })
    expect([await driver.getItem('a'), await driver.hasItem('a')]).toEqual([null, false])
    site.faults.always({ kind: 'hang' })
    expect(await driver.getItems([{ key: 'a' }])).toEqual([{ key: 'a', value: null }])
    await driver.setItem('a', 'dropped')
    await expect(driver.removeItem('a')).rejects.toMatchObject({ code: 'TIMEOUT' })
    site.faults.heal()
    await vi.waitFor(async () => expect(await driver.getItem('a')).toBe('text'), { timeout: 30_000, interval: 100 })
  })

  it('rejects with onError throw, for data that is more than a cache', async () => {
    const driver = unstorageDriver({ url, timeout: 60_000, onError: 'throw' })
    site.faults.always({ kind: 'error', status: 503 })
    const calls = [driver.getItem, driver.hasItem, driver.removeItem, driver.getKeys, driver.clear]
    for (const call of calls) await expect(call('a')).rejects.toMatchObject({ code: 'DATABASE' })
    await expect(driver.setItem('a', 'x')).rejects.toMatchObject({ code: 'DATABASE' })
  })
})

function failureOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
