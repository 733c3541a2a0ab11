/** Snapshots that prove nothing: those of a standby, and those from the future of the database. */

import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { type Cache, type CacheSnapshot, createCache, type Database, memoryCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { deleteResponse } from '../../src/postgres/responses/delete-response.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { defaultTables } from '../../src/schema/index.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createMember, type Member } from '../setup/cluster.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { connectors } from '../setup/drivers.ts'
import { eventually } from '../setup/eventually.ts'

const WRITES: Record<string, (cache: Cache, asOf: CacheSnapshot) => Promise<unknown>> = {
  set: (cache, asOf) => cache.set('key', 'old', { tags: ['x'], asOf }),
  setMany: (cache, asOf) => cache.setMany({ key: 'old', other: 'old' }, { tags: ['x'], asOf }),
  add: (cache, asOf) => cache.add('key', 'old', { tags: ['x'], asOf }),
}
const FILLS: typeof WRITES = {
  getOrSet: (cache, asOf) => cache.getOrSet('key', () => 'old', { tags: ['x'], asOf }),
  'a sliding getOrSet': (cache, asOf) =>
    cache.getOrSet('key', () => 'old', { tags: ['x'], asOf, sliding: true, expiration: '1h' }),
}

const DRIVERS: Record<string, () => Promise<Database>> = {
  ...Object.fromEntries(
    Object.entries(connectors).map(([name, connect]) => [name, async () => connect(await createDatabase())]),
  ),
  pglite: async () => {
    const client = new PGlite()
    cleanup(() => client.close())
    return drizzlePglite({ client })
  },
}

describe.each(Object.entries(DRIVERS))('over %s, a snapshot from the future', (_name, connect) => {
  let db: Database
  let asOf: CacheSnapshot
  beforeAll(async () => {
    db = await connect()
    await migrate(db)
    const now = await createCache(db).snapshot()
    const next = BigInt(now.split(':')[1] ?? 0) + 1_000_000n
    asOf = `${next}:${next}:` as CacheSnapshot
  })

  it.each(Object.entries(WRITES))('is refused by %s, which stores nothing', async (_write, write) => {
    const cache = createCache(db, { timeout: 60_000 })
    await expect(write(cache, asOf)).rejects.toMatchObject({ code: 'DATABASE', sqlState: '22023' })
    expect((await cache.getMany(['key', 'other'])).size).toBe(0)
  })

  it.each(Object.entries(FILLS))(
    'keeps %s from storing the computed value, and an event says why',
    async (_fill, fill) => {
      const errors: unknown[] = []
      const cache = createCache(db, {
        timeout: 60_000,
        onEvent: (event) => void (event.type === 'error' && errors.push(event.error)),
      })
      expect(await fill(cache, asOf)).toBe('old')
      expect(errors).toMatchObject([{ code: 'DATABASE', sqlState: '22023' }])
      expect(await cache.has('key')).toBe(false)
      // The lease is free again.
      expect(await cache.getOrSet('key', 'new')).toBe('new')
      await cache.clear()
    },
  )

  it('is dropped with an event if failures count as misses', async () => {
    const errors: unknown[] = []
    const cache = createCache(db, {
      onError: 'miss',
      onEvent: (event) => void (event.type === 'error' && errors.push(event.error)),
    })
    await cache.set('key', 'old', { tags: ['x'], asOf })
    expect(await cache.getOrSet('key', () => 'computed', { tags: ['x'], asOf })).toBe('computed')
    expect(errors).toMatchObject([{ sqlState: '22023' }, { sqlState: '22023' }])
    expect(await cache.get('key')).toBe(undefined)
  })

  it('proves nothing for a request that a hit-for-miss let pass', async () => {
    const run = createRunner(db, { tables: namesOf(defaultTables), timeoutMs: 60_000, preparedNames: true }).run
    await db.execute(
      sql`insert into cache_entries (key, value, written_by) values ('url', 'body', pg_current_xact_id())`,
    )
    await db.execute(
      sql`insert into cache_leases (key, token, expires_at) values ('url', 'pass', now() + interval '1 hour')`,
    )
    const attempt = async (passedAt: string) =>
      (await run(deleteResponse, { key: 'url', token: 'none', passedAt }))[0]?.count
    expect(await attempt(asOf)).toBe(0)
    expect(await attempt(await createCache(db).snapshot())).toBe(1)
  })

  it('does not include a current snapshot, which every write accepts', async () => {
    const cache = createCache(db)
    const now = await cache.snapshot()
    for (const write of Object.values({ ...WRITES, ...FILLS })) {
      await cache.clear()
      await write(cache, now)
      expect(await cache.get('key')).toBe('old')
    }
  })
})

describe('a standby', () => {
  let primary: Member
  let standby: Member
  beforeAll(async () => {
    primary = await createMember()
    const db = drizzle(createPool(primary.url))
    await migrate(db, { changes: true })
    await primary.stop()
    standby = await primary.copy()
    await primary.start()
    await standby.follow(primary)
    await standby.start()
  })

  it.each(Object.entries(connectors))('refuses snapshot() over %s', async (_name, connect) => {
    const cache = createCache(await connect(standby.url), { timeout: 60_000 })
    await expect(cache.snapshot()).rejects.toMatchObject({ code: 'DATABASE', sqlState: '25006' })
    await expect(cache.snapshot()).rejects.toThrow('on the primary')
  })

  it.each(Object.entries(connectors))(
    'gives no changes over %s, so a tier keeps no copies of it',
    async (_name, connect) => {
      const pool = createPool(primary.url)
      const writer = createCache(drizzle(pool))
      const sent = async () => {
        // Flushes the WAL of asynchronous commits, so that it is sent.
        await pool.query('checkpoint')
        const { rows } = await pool.query('select pg_current_wal_insert_lsn()::text as lsn')
        const replica = createPool(standby.url)
        await eventually(async () =>
          expect((await replica.query(`select pg_last_wal_replay_lsn() >= '${rows[0].lsn}' as has`)).rows[0].has).toBe(
            true,
          ),
        )
      }
      await writer.set('key', 'old')
      await sent()
      const l2 = createCache(await connect(standby.url), { timeout: 60_000 })
      const tier = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h', changes: true })
      expect([await tier.get('key'), await tier.get('key')]).toEqual(['old', 'old'])
      await writer.set('key', 'new')
      await sent()
      expect(await tier.get('key')).toBe('new')
      expect(await tier.getMany(['key', 'other'])).toEqual(new Map([['key', 'new']]))
    },
  )

  it('reports a running transaction as visible, which is the reason', async () => {
    const pool = createPool(primary.url, { max: 1 })
    await pool.query('begin')
    const { rows } = await pool.query('select pg_current_xact_id()::text as id')
    await createPool(primary.url).query('select pg_current_xact_id()')
    await createPool(primary.url).query('checkpoint')
    const replica = drizzle(createPool(standby.url))
    await eventually(async () => {
      const seen = await replica.execute(
        sql`select pg_visible_in_snapshot(${rows[0].id}::xid8, pg_current_snapshot()) as seen`,
      )
      expect(seen.rows[0]?.seen).toBe(true)
    })
    await pool.query('rollback')
  })
})
