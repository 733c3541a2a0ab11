import { inspect } from 'node:util'
import { createCache, DatabaseError, databaseFromEnv, InvalidOptionError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { historyListener } from 'pgstash/telemetry'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'

const NAMES = [
  'DATABASE_URL',
  'POSTGRES_URL',
  'NETLIFY_DB_URL',
  'NETLIFY_DATABASE_URL',
  'NEON_DATABASE_URL',
  'SUPABASE_DB_URL',
]
const SECRET = 'postgresql://ada:hunter2@nowhere.invalid/shop'
const MISSING =
  /^Expected one of these variables to hold a postgresql:\/\/ URL: DATABASE_URL, POSTGRES_URL, .*HYPERDRIVE\./

let url: string

beforeAll(async () => {
  url = await createDatabase()
  await migrate(url)
})

afterEach(() => {
  for (const name of NAMES) delete process.env[name]
})

describe('createCache.fromEnv', () => {
  it.each(NAMES)('reads %s of the process at the first statement, and not before', async (name) => {
    const cache = createCache.fromEnv(undefined, { timeout: 60_000, namespace: name, warn: false })
    await expect(cache.get('key')).rejects.toThrow(MISSING)
    process.env[name] = url
    await cache.set('key', name)
    expect(await cache.get('key')).toBe(name)
  })

  it('fails with an error that lists the names and shows no value', async () => {
    const env = { DATABASE_URL: 'mysql://ada:hunter2@db/shop', POSTGRES_URL: '', API_KEY: 'hunter2' }
    const error = await createCache
      .fromEnv(env, { warn: false })
      .get('key')
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(error).toMatchObject({ sent: false, message: expect.stringMatching(MISSING) })
    for (const name of NAMES) expect((error as Error).message).toContain(name)
    expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|mysql/)
  })

  it('counts as a miss with onError: miss, so that a build without a database ends', async () => {
    const cache = createCache.fromEnv({}, { onError: 'miss', warn: false })
    expect(await cache.getOrSet('key', () => 'computed')).toBe('computed')
  })

  it('accepts the variables of a Worker, and a binding of Hyperdrive', async () => {
    interface Env {
      DATABASE_URL: string
    }
    const env: Env = { DATABASE_URL: url }
    await createCache.fromEnv(env, { timeout: 60_000 }).set('worker', 1)
    expect(
      await createCache.fromEnv({ HYPERDRIVE: { connectionString: url } }, { timeout: 60_000 }).get('worker'),
    ).toBe(1)
  })

  it.each([
    ['DATABASE_URL to all others', { POSTGRES_URL: SECRET, DATABASE_URL: '$url' }],
    ['POSTGRES_URL if DATABASE_URL is empty', { DATABASE_URL: '', POSTGRES_URL: '$url' }],
    ['POSTGRES_URL if DATABASE_URL is another database', { DATABASE_URL: 'file:./dev.db', POSTGRES_URL: '$url' }],
    ['POSTGRES_URL if DATABASE_URL is Prisma’s proxy', { DATABASE_URL: 'prisma+postgres://x', POSTGRES_URL: '$url' }],
  ])('prefers %s', async (_name, given) => {
    const env = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, text.replace('$url', url)]))
    const cache = createCache.fromEnv(env, { timeout: 60_000 })
    await cache.set('preferred', 1)
    expect(await cache.get('preferred')).toBe(1)
  })

  it('accepts a URL with white space around it, as files of variables have it', async () => {
    await expect(
      createCache.fromEnv({ DATABASE_URL: ` ${url}\n` }, { timeout: 60_000 }).get('spaces'),
    ).resolves.toBeUndefined()
  })

  it('refuses options in place of the environment, and a value that is not an environment', () => {
    expect(() => createCache.fromEnv({ namespace: 'shop' })).toThrow(/fromEnv\(process\.env, options\)/)
    expect(() => createCache.fromEnv('DATABASE_URL' as unknown as object)).toThrow(InvalidOptionError)
    expect(() => createCache.fromEnv({}, { ttl: 5 } as object)).toThrow(/Unknown option ttl/)
  })
})

it('databaseFromEnv works in every function that takes a database', async () => {
  const other = await createDatabase()
  const database = databaseFromEnv({ DATABASE_URL: other })
  await migrate(database)
  const history = historyListener(database)
  await createCache(database, { timeout: 60_000, onEvent: history }).set('key', 1)
  await history.flush()
  const { rows } = await createPool(other).query('select count(*)::int as count from cache_history')
  expect(rows).toEqual([{ count: 1 }])
})

it('the snippets of docs/getting-started/providers.md work', async () => {
  // The pool of a snippet reports when its database is dropped.
  vi.spyOn(console, 'error').mockImplementation(() => {})
  process.env.DATABASE_URL = url
  const [{ report }, { cache: pooled }, { default: netlify }, { default: clean, config }] = await Promise.all([
    import('../../docs/snippets/providers/answer.ts'),
    import('../../docs/snippets/providers/pool.ts'),
    import('../../docs/snippets/providers/netlify.ts'),
    import('../../docs/snippets/providers/netlify-cleanup.ts'),
  ])
  const computed = await report()
  expect(computed).toMatch(/^Computed at /)
  expect(await report()).toBe(computed)
  // The pool reaches the same table.
  expect(await pooled.get('report')).toBe(computed)
  const first = await (await netlify()).text()
  expect(await (await netlify()).text()).toBe(first)
  await createCache(url, { timeout: 60_000 }).set('expired', 1, { expiration: 0 })
  await clean()
  expect((await createCache(url, { timeout: 60_000 }).stats()).expired).toBe(0)
  expect(config.schedule).toBe('@hourly')
})
