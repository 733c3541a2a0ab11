import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../src/migrate/migrations.ts'
import { createDatabase, createLonelyDatabase, createPool } from '../setup/databases.ts'

async function database(url?: string) {
  return drizzle(createPool(url ?? (await createDatabase())))
}

describe('upgrades and fills', () => {
  it('work on tables of the first version after a migration, with their entries', async () => {
    const db = await database()
    for (const statement of migrations[0]?.statements ?? []) await db.execute(sql.raw(statement))
    await db.execute(sql`insert into cache_entries (key, value, expires_at, kept_until) values
      ('live', '"old"', null, null), ('expired', '"old"', now() - interval '1 s', now() - interval '1 s')`)
    const cache = createCache(db)
    await expect(cache.getOrSet('live', 'new')).rejects.toMatchObject({
      sqlState: '42703',
      message: expect.stringContaining('pgstash migrate'),
    })
    await migrate(db)
    expect(await cache.getOrSet('live', 'new')).toBe('old')
    expect(await cache.getOrSet('expired', 'new')).toBe('new')
    expect(await cache.get('expired')).toBe('new')
  })

  it('continue during a migration that adds slots to leases and deletes idle leases', async () => {
    const db = await database()
    for (const { statements } of migrations.slice(0, -1)) {
      for (const statement of statements) await db.execute(sql.raw(statement))
    }
    const claim = (key: string, age: string) =>
      db.execute(sql`insert into cache_leases (key, token, expires_at) values (${key}, 't', now() - ${age}::interval)`)
    await claim('idle', '1 hour')
    await claim('held', '-1 minute')
    await migrate(db)
    // The statement as the previous release sends it.
    await claim('later', '-1 minute')
    const { rows } = await db.execute(
      sql`select key, cleanup_slot is not null as has_slot from cache_leases order by key`,
    )
    expect(rows).toEqual([
      { key: 'held', has_slot: true },
      { key: 'later', has_slot: true },
    ])
  })

  it('work on tables restored from a server with higher transaction ids', async () => {
    // Alone on its server: a restored row is recognized because no running transaction is older than it.
    const db = await database(await createLonelyDatabase())
    await migrate(db)
    const cache = createCache(db)
    await cache.getOrSet('key', 'old', { expiration: 60 })
    await cache.set('expired', 'old', { expiration: 0 })
    await cache.delete('deleted')
    await db.execute(sql`update cache_entries set written_by = '4000000000', expires_at = now() - interval '1 s'`)
    await db.execute(sql`update cache_leases set xid = '4000000001', seen = '4000000002'`)
    for (const key of ['key', 'expired', 'deleted', 'never there']) {
      expect(await cache.getOrSet(key, 'new')).toBe('new')
      expect(await cache.get(key)).toBe('new')
    }
  })
})
