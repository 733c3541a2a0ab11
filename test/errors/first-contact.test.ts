import { sql } from 'drizzle-orm'
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let db: NeonHttpDatabase
let faults: Faults
/** A copy of the package that has logged nothing yet, as in a new process or isolate. */
let pgstash: typeof import('pgstash')
const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})

beforeAll(async () => {
  ;({ db, faults } = await createNeon(await createDatabase()))
})

beforeEach(async () => {
  faults.heal()
  faults.reset()
  await db.execute(sql`drop table if exists cache_entries, cache_leases, cache_invalidations, cache_state cascade`)
  vi.resetModules()
  pgstash = await import('pgstash')
  warn.mockClear()
})

const said = () => warn.mock.calls.map(([line]) => String(line))
const MISSING_TABLES = expect.stringMatching(
  /^pgstash: the cache could not use its database yet\. The cache's tables do not exist: run `pgstash migrate`/,
)

describe('a cache that has never reached its database', () => {
  it.each(['throw', 'miss'] as const)(
    'logs the reason, once for all calls and caches, with onError: %s',
    async (onError) => {
      for (let made = 0; made < 3; made++) {
        const cache = pgstash.createCache(db, { timeout: 60_000, onError })
        for (const key of ['a', 'b', 'c']) {
          await cache.get(key).catch(() => {})
          await cache.set(key, 1).catch(() => {})
          await cache.getOrSet(key, () => 1).catch(() => {})
        }
      }
      expect(said()).toEqual([MISSING_TABLES])
    },
  )

  it.each(['throw', 'miss'] as const)(
    'logs that the function which returns the database throws, with onError: %s',
    async (onError) => {
      const cache = pgstash.createCache(
        () => {
          throw new Error('hunter2')
        },
        { onError },
      )
      for (const key of ['a', 'b']) await cache.getOrSet(key, () => 1).catch(() => {})
      expect(said()).toEqual([expect.stringContaining('The function that makes the database threw')])
      expect(said()[0]).not.toContain('hunter2')
    },
  )

  it('logs each reason', async () => {
    const cache = pgstash.createCache(db, { timeout: 60_000, onError: 'miss' })
    await cache.get('key')
    faults.next({ kind: 'error', status: 402, body: '' })
    await cache.get('key')
    expect(said()).toEqual([MISSING_TABLES, expect.stringContaining('the quota is used up')])
  })

  it('logs the reason for a response cache, which always fails softly, and emits every failure', async () => {
    const { Hono } = await import('hono')
    const { responseCache } = await import('pgstash/hono')
    const events: string[] = []
    const cache = pgstash.createCache(db, { timeout: 60_000, onEvent: ({ type }) => events.push(type) })
    const app = new Hono().use(responseCache({ cache, expiration: '1m' })).get('/', (c) => c.text('page'))
    for (let request = 0; request < 3; request++) expect(await (await app.request('/')).text()).toBe('page')
    expect(said()).toEqual([MISSING_TABLES])
    expect(events.filter((type) => type === 'error').length).toBeGreaterThanOrEqual(3)
  })

  it('logs the reason for a pool, and for an answer that does not come in time', async () => {
    const pool = createPool('postgresql://u:hunter2@127.0.0.1:2/db')
    await pgstash.createCache(drizzlePg(pool), { timeout: 60_000, onError: 'miss' }).get('key')
    faults.always({ kind: 'hang' })
    await pgstash.createCache(db, { onError: 'miss', timeout: 50 }).get('key')
    expect(said()).toEqual([
      expect.stringContaining('The connection was refused (ECONNREFUSED)'),
      expect.stringContaining('did not answer within 50 ms'),
    ])
  })

  it('logs nothing with warn: false', async () => {
    await pgstash.createCache(db, { timeout: 60_000, onError: 'miss', warn: false }).get('key')
    expect(said()).toEqual([])
  })
})

describe('a cache that reached its database', () => {
  it('logs nothing when it loses the database', async () => {
    await migrate(db)
    const cache = pgstash.createCache(db, { timeout: 60_000, onError: 'miss' })
    await cache.get('key')
    faults.always({ kind: 'reset' })
    await cache.get('key')
    expect(said()).toEqual([])
  })

  it('logs nothing about a statement that was refused because of its values', async () => {
    await migrate(db)
    faults.next({ kind: 'error', status: 400, body: { message: 'no', code: '22003' } })
    await pgstash
      .createCache(db, { timeout: 60_000 })
      .delete('key')
      .catch(() => {})
    expect(said()).toEqual([])
  })
})

it('createCache refuses a warn that is not a boolean', () => {
  expect(() => pgstash.createCache(db, { warn: 'no' as never })).toThrow('Expected warn to be a boolean, got a string.')
})
