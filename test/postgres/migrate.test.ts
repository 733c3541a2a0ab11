import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { createCache, type Database } from 'pgstash'
import { type MigrateOptions, migrate, migrationSql } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

const connections: Record<string, () => Promise<Database>> = {
  'neon-http': async () => (await createNeon(await createDatabase())).db,
  'node-postgres': async () => drizzlePg(createPool(await createDatabase(), { max: 10 })),
  'postgres-js': async () => {
    const client = postgres(await createDatabase())
    cleanup(() => client.end())
    return drizzlePostgres(client)
  },
  pglite: async () => {
    const client = new PGlite()
    cleanup(() => client.close())
    return drizzlePglite(client)
  },
}

interface Settings {
  heap: string[]
  toast: string[]
  persistence: string
  compression: string
}

async function settings(db: Database, table = 'cache_entries'): Promise<Settings> {
  const result = await db.execute(sql`
    select json_build_object(
      'heap', c.reloptions, 'toast', t.reloptions, 'persistence', c.relpersistence,
      'compression', (select attcompression from pg_attribute where attrelid = c.oid and attname = 'value')
    )::text as settings
    from pg_class c left join pg_class t on t.oid = c.reltoastrelid where c.oid = ${table}::regclass`)
  const [row] = Array.isArray(result) ? result : (result as { rows: { settings: string }[] }).rows
  return JSON.parse(row.settings)
}

describe('migrate', () => {
  for (const [name, connect] of Object.entries(connections)) {
    it(`over ${name} creates working tables once, for ten concurrent runs and for later ones`, async () => {
      const db = await connect()
      await Promise.all(Array.from({ length: 10 }, () => migrate(db)))
      const cache = createCache(db)
      await cache.set('key', 1)
      await migrate(db)
      expect(await cache.get('key')).toBe(1)
      const { heap, toast } = await settings(db)
      expect(heap.sort()).toEqual(['autovacuum_vacuum_scale_factor=0.1', 'fillfactor=85'])
      expect(toast).toEqual(['autovacuum_vacuum_scale_factor=0.05'])
    })
  }

  it('creates new schemas once, even in sessions that have looked for them before', async () => {
    // HTTP requests reuse sessions. Each session remembers that the schema was missing when it last looked.
    const { db } = await createNeon(await createDatabase())
    for (let i = 0; i < 4; i++) {
      const tables = cacheTables({ schema: `own ${i}`, prefix: 'my_' })
      await Promise.all(Array.from({ length: 4 }, () => migrate(db, { tables })))
      await createCache(db, { tables }).set('key', 1)
    }
  })

  it('applies settings, and changes them in a later run', async () => {
    const db = drizzlePg(createPool(await createDatabase()))
    await migrate(db)
    expect((await settings(db)).persistence).toBe('p')
    await createCache(db).set('key', 'kept')
    await migrate(db, {
      unlogged: true,
      autovacuumScaleFactor: 0.02,
      toastAutovacuumScaleFactor: 0.01,
      fillfactor: 70,
      compression: 'pglz',
    })
    expect(await settings(db)).toEqual({
      heap: expect.arrayContaining(['autovacuum_vacuum_scale_factor=0.02', 'fillfactor=70']),
      toast: ['autovacuum_vacuum_scale_factor=0.01'],
      persistence: 'u',
      compression: 'p',
    })
    expect((await settings(db, 'cache_leases')).persistence).toBe('u')
    // The log must be at least as durable as the entries: an emptied log would make invalidated entries valid again.
    expect((await settings(db, 'cache_invalidations')).persistence).toBe('p')
    await migrate(db)
    expect(await settings(db)).toMatchObject({ persistence: 'p', toast: ['autovacuum_vacuum_scale_factor=0.05'] })
    expect(await createCache(db).get('key')).toBe('kept')
  })

  it('creates dropped tables again, and keeps the rest', async () => {
    const pool = createPool(await createDatabase())
    const db = drizzlePg(pool)
    await migrate(db)
    await createCache(db).set('key', 1)
    for (const table of ['cache_invalidations', 'cache_leases', 'cache_state']) {
      await pool.query(`drop table ${table}`)
      await migrate(db)
      expect(await createCache(db).get('key')).toBe(1)
    }
    await pool.query('drop table cache_entries')
    await migrate(db)
    await createCache(db).set('key', 2, { tags: ['x'] })
    expect(await createCache(db).get('key')).toBe(2)
  })

  it('uses lz4 if the server has it', async () => {
    const db = drizzlePg(createPool(await createDatabase()))
    await migrate(db)
    const result = await db.execute(
      sql`select 'lz4' = any (enumvals) as lz4 from pg_settings where name = 'default_toast_compression'`,
    )
    expect((await settings(db)).compression).toBe(result.rows[0]?.lz4 ? 'l' : '')
  })

  it('leaves nothing half-done after a failure', async () => {
    const pool = createPool(await createDatabase())
    const db = drizzlePg(pool)
    // The last table cannot be created, because a type has its name.
    await pool.query('create type cache_state as (a int)')
    await expect(migrate(db)).rejects.toMatchObject({ code: 'DATABASE' })
    const { rows } = await pool.query("select relname from pg_class where relname like 'cache%' and relkind <> 'c'")
    expect(rows).toEqual([])
    await pool.query('drop type cache_state')
    await migrate(db)
    await createCache(db).set('key', 1)
  })

  it('accepts schemas and prefixes of any legal name, side by side', async () => {
    const pool = createPool(await createDatabase())
    const db = drizzlePg(pool)
    const names = [
      {},
      { prefix: 'a_' },
      { schema: 'Own Schema' },
      { schema: 'public', prefix: '"' },
      { schema: "it's", prefix: '$1 ; -- ' },
    ]
    for (const name of names) {
      const tables = cacheTables(name)
      await migrate(db, { tables })
      await migrate(db, { tables })
      await createCache(db, { tables }).set('key', JSON.stringify(name))
    }
    for (const name of names) {
      expect(await createCache(db, { tables: cacheTables(name) }).get('key')).toBe(JSON.stringify(name))
    }
    const { rows } = await pool.query(
      "select schemaname || '.' || tablename as name from pg_tables where tablename like '%cache_entries' order by 1",
    )
    expect(rows.map(({ name }) => name)).toEqual(
      [
        'Own Schema.cache_entries',
        "it's.$1 ; -- cache_entries",
        'public."cache_entries',
        'public.a_cache_entries',
        'public.cache_entries',
      ].sort(),
    )
    const indexes = await pool.query("select indexname from pg_indexes where indexname like '%cleanup_slot_idx'")
    expect(indexes.rows.length).toBe(2 * names.length)
  })

  it('refuses names that Postgres would truncate or cannot hold', () => {
    const longest = 'p'.repeat(33)
    expect(cacheTables({ prefix: longest })).toBeDefined()
    for (const options of [
      { prefix: `${longest}p` },
      { prefix: 'é'.repeat(17) },
      { schema: '' },
      { schema: 's'.repeat(64) },
      { schema: 'a\0' },
      { prefix: '\ud800' },
      { prefix: 5 as unknown as string },
    ]) {
      expect(() => cacheTables(options)).toThrow(expect.objectContaining({ code: 'INVALID_TABLE_NAME' }))
    }
  })

  it('refuses settings out of range before any request', async () => {
    const wrong: MigrateOptions[] = [
      { fillfactor: 5 },
      { fillfactor: 85.5 },
      { autovacuumScaleFactor: -1 },
      { toastAutovacuumScaleFactor: Number.NaN },
      { unlogged: 'yes' as unknown as boolean },
      { compression: 'zstd' as 'lz4' },
    ]
    for (const options of wrong) {
      expect(() => migrationSql(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
      await expect(migrate(undefined as unknown as Database, options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
  })

  it('prints exactly the SQL that it runs, and psql can run it', async () => {
    const pool = createPool(await createDatabase())
    const text = migrationSql({ tables: cacheTables({ schema: 'printed' }), unlogged: true })
    await pool.query(text)
    await pool.query(text)
    const tables = cacheTables({ schema: 'printed' })
    await createCache(drizzlePg(pool), { tables }).set('key', 1)
    expect((await settings(drizzlePg(pool), 'printed.cache_entries')).persistence).toBe('u')
  })

  it('needs no right to create anything once the tables exist', async () => {
    const url = await createDatabase()
    const pool = createPool(url)
    const role = `app_${crypto.randomUUID().slice(0, 8)}`
    await migrate(drizzlePg(pool), { tables: cacheTables({ schema: 'cache' }) })
    await pool.query(`create role ${role} login password 'app'`)
    cleanup(() => pool.query(`drop owned by ${role}; drop role ${role}`))
    await pool.query(
      `grant usage on schema cache to ${role}; grant select, insert, update, delete on all tables in schema cache to ${role}`,
    )
    const own = new URL(url)
    own.username = role
    own.password = 'app'
    const db = drizzlePg(createPool(own.href))
    await migrate(db, { tables: cacheTables({ schema: 'cache' }) })
    const cache = createCache(db, { tables: cacheTables({ schema: 'cache' }) })
    await cache.set('key', 1, { tags: ['x'] })
    expect(await cache.increment('key')).toBe(2)
    await cache.invalidate('x')
    expect(await cache.clear()).toBe(1)
  })
})
