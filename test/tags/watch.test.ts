/** Watched tables: each write invalidates the values computed from them, in the transaction of the writer. */
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import {
  bigint,
  boolean,
  customType,
  date,
  integer,
  type PgTable,
  pgSchema,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import {
  invalidateRow,
  type KeyValue,
  type RowId,
  rowTag,
  tableTag,
  unwatchAllTables,
  unwatchTables,
  type Watchable,
  watchedTables,
  watchTables,
} from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { cacheEntries, cacheInvalidations, cacheTables } from 'pgstash/schema'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { storedTag } from '../../src/values/key.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let url: string
let pool: pg.Pool
let db: NodePgDatabase
let cache: Cache
let neon: Awaited<ReturnType<typeof createNeon>>

const products = pgTable('products', { id: integer('id').primaryKey(), name: text('name') })
const prices = pgTable('prices', {
  id: integer('id').primaryKey(),
  product: integer('product'),
  cents: integer('cents'),
})

beforeAll(async () => {
  url = await createDatabase()
  pool = createPool(url, { max: 10 })
  db = drizzle(pool)
  neon = await createNeon(url)
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
})
beforeEach(async () => {
  await unwatchAllTables(db)
  await pool.query(`truncate cache_entries, cache_leases, cache_invalidations;
    drop table if exists prices, products;
    create table products (id int primary key, name text);
    create table prices (id int primary key, product int references products on delete cascade on update cascade, cents int);
    insert into products values (1, 'one'), (2, 'two'); insert into prices values (10, 1, 100), (20, 2, 200)`)
})

async function noted(): Promise<string[]> {
  const { rows } = await pool.query('select distinct tag from cache_invalidations order by 1')
  return rows.map(({ tag }) => tag)
}

/** The tags that a statement records. */
async function tagsOf(statement: string): Promise<string[]> {
  await pool.query('truncate cache_invalidations')
  await pool.query(statement)
  return noted()
}

describe('a watched table', () => {
  const WRITES: Record<string, string> = {
    insert: "insert into products values (3, 'three')",
    'insert that updates': "insert into products values (1, 'uno') on conflict (id) do update set name = 'uno'",
    update: "update products set name = 'x' where id = 2",
    delete: 'delete from products where id = 2',
    truncate: 'truncate products cascade',
    copy: 'insert into products select i, i::text from generate_series(5, 9) i',
    merge: `merge into products using (values (1), (7)) as v(id) on v.id = products.id
      when matched then delete when not matched then insert values (v.id, 'new')`,
    'a write in a CTE': "with w as (update products set name = 'y' returning 1) select count(*) from w",
  }
  it.each(Object.entries(WRITES))('is invalidated by %s', async (_name, statement) => {
    await watchTables(db, products)
    await cache.set('key', 1, { tags: [tableTag(products)] })
    await cache.set('other', 1, { tags: [tableTag('unrelated')] })
    await pool.query(statement)
    expect([await cache.get('key'), await cache.get('other')]).toEqual([undefined, 1])
  })

  it('is invalidated by cascades of another table, but only if the cascading table is watched', async () => {
    await watchTables(db, ['prices'])
    expect(await tagsOf('delete from products where id = 1')).toEqual(['table:public.prices'])
    expect(await tagsOf('update products set id = 5 where id = 2')).toEqual(['table:public.prices'])
    await unwatchTables(db, 'prices')
    expect(await tagsOf('delete from products')).toEqual([])
  })

  it('is invalidated when the write commits, and not when it rolls back', async () => {
    await watchTables(db, products)
    const options = { tags: [tableTag(products)] }
    const read = async () => (await pool.query('select name from products where id = 1')).rows[0].name
    expect(await cache.getOrSet('key', read, options)).toBe('one')
    const client = await pool.connect()
    await client.query("begin; update products set name = 'changed' where id = 1")
    expect(await cache.get('key')).toBe('one')
    await client.query('rollback')
    expect(await cache.get('key')).toBe('one')
    await client.query("begin; update products set name = 'changed' where id = 1")
    await cache.delete('key')
    expect(await cache.getOrSet('key', read, options)).toBe('one')
    await client.query('commit')
    client.release()
    expect(await cache.getOrSet('key', read, options)).toBe('changed')
  })

  it('is invalidated by a write in a released savepoint, and not in one that is rolled back', async () => {
    await watchTables(db, products)
    expect(await tagsOf('begin; savepoint s; delete from products; rollback to s; commit')).toEqual([])
    expect(await tagsOf('begin; savepoint s; delete from products; release s; commit')).toEqual([
      'table:public.products',
    ])
    const { rows } = await pool.query(`select i.xid::text = e.xid as same from cache_invalidations i,
      (select pg_current_xact_id()::text as xid) e`)
    expect(rows).toEqual([{ same: false }])
    await cache.set('key', 1, { tags: ['table:public.products'] })
    const client = await pool.connect()
    await client.query('begin; savepoint s; delete from products; release s')
    await cache.set('late', 1, { tags: ['table:public.products'] })
    await client.query('commit')
    client.release()
    expect((await cache.getMany(['key', 'late'])).size).toBe(0)
  })

  it('records one row for each tag and transaction, however often the table is written', async () => {
    await watchTables(db, products)
    await pool.query('truncate cache_invalidations')
    await pool.query(
      "begin; update products set name = 'a'; update products set name = 'b'; delete from products; commit",
    )
    expect((await pool.query('select 1 from cache_invalidations')).rows).toHaveLength(1)
  })

  it('can be written by a role without rights on the cache, and its search path has no effect', async () => {
    await watchTables(db, products, { rows: true })
    await pool.query(`drop schema if exists evil cascade; drop role if exists writer; create role writer;
      grant select, insert, update, delete, truncate on products, prices to writer;
      create schema evil authorization writer`)
    const client = await pool.connect()
    try {
      await client.query('set role writer; set search_path = evil, public')
      await client.query('create table evil.cache_invalidations (tag text, xid xid8)')
      await expect(client.query('select 1 from public.cache_invalidations')).rejects.toMatchObject({ code: '42501' })
      await client.query("update products set name = 'x' where id = 1")
      expect((await client.query('select 1 from evil.cache_invalidations')).rows).toEqual([])
    } finally {
      await client.query('reset role; reset search_path')
      client.release()
    }
    expect(await noted()).toEqual(['row:public.products:1', 'table:public.products'])
    await pool.query('drop schema evil cascade; drop owned by writer; drop role writer')
  })

  it('can still be written after the tables of the cache were dropped', async () => {
    const tables = cacheTables({ schema: 'gone' })
    for (const rows of [false, true]) {
      await migrate(db, { tables })
      await watchTables(db, products, { rows, tables })
      await pool.query('drop table gone.cache_entries, gone.cache_leases, gone.cache_invalidations, gone.cache_state')
      for (const statement of Object.values(WRITES)) await pool.query(`begin; ${statement}; rollback`)
      expect(await watchedTables(db, { tables })).toHaveLength(1)
      await unwatchAllTables(db, { tables })
      expect(await watchedTables(db, { tables })).toEqual([])
      expect((await pool.query("select 1 from pg_trigger where tgname like 'pgstash%'")).rows).toEqual([])
    }
  })

  it('cannot be written if the cache cannot record the write for another reason', async () => {
    await watchTables(db, products)
    await pool.query('alter table cache_invalidations rename tag to other')
    await expect(pool.query('delete from products')).rejects.toMatchObject({ code: '42703' })
    await pool.query('alter table cache_invalidations rename other to tag')
  })
})

describe('watching', () => {
  it('takes one round trip over HTTP, and so does every related function', async () => {
    neon.faults.reset()
    await watchTables(neon.db, [products, prices], { rows: true })
    expect(neon.faults.requests).toBe(1)
    expect(await watchedTables(neon.db)).toEqual([
      { table: 'public.prices', rows: true, relations: 1 },
      { table: 'public.products', rows: true, relations: 1 },
    ])
    expect(neon.faults.requests).toBe(2)
    await unwatchTables(neon.db, ['products'])
    expect(neon.faults.requests).toBe(3)
    expect(await watchedTables(neon.db)).toHaveLength(1)
    neon.faults.reset()
    await watchTables(neon.db, [])
    await unwatchTables(neon.db, [])
    expect(neon.faults.requests).toBe(0)
  })

  it('a second time changes nothing and locks nothing, and can switch row tags on and off', async () => {
    const triggers = async () =>
      (await pool.query("select oid, xmin::text, tgname from pg_trigger where tgname like 'pgstash%' order by 1")).rows
    await watchTables(db, products)
    const first = await triggers()
    const reader = await pool.connect()
    await reader.query('begin; lock table products in row exclusive mode')
    await watchTables(db, products)
    await reader.query('commit')
    reader.release()
    expect(await triggers()).toEqual(first)
    expect(await tagsOf("update products set name = 'x'")).toEqual(['table:public.products'])
    await watchTables(db, products, { rows: true })
    expect(await tagsOf("update products set name = 'x' where id = 1")).toEqual([
      'row:public.products:1',
      'table:public.products',
    ])
    await watchTables(db, products, { rows: false })
    expect(await tagsOf("update products set name = 'x'")).toEqual(['table:public.products'])
    expect(await triggers()).toHaveLength(4)
  })

  it('succeeds concurrently', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, i) => watchTables(db, [products, prices], { rows: i % 2 === 0 })))
    expect(await watchedTables(db)).toHaveLength(2)
  })

  it('survives a dropped table, and forgets it with unwatch', async () => {
    await watchTables(db, [products, prices])
    await pool.query('drop table prices')
    expect(await watchedTables(db)).toEqual([
      { table: 'public.prices', rows: false, relations: 0 },
      { table: 'public.products', rows: false, relations: 1 },
    ])
    await unwatchTables(db, ['prices', 'never there'])
    expect(await watchedTables(db)).toHaveLength(1)
  })

  it('for two caches records into both', async () => {
    const tables = cacheTables({ schema: 'second', prefix: 'b_' })
    await migrate(db, { tables })
    await watchTables(db, products)
    await watchTables(db, products, { tables, rows: true })
    const other = createCache(db, { tables })
    await cache.set('key', 1, { tags: [tableTag(products)] })
    await other.set('key', 1, { tags: [rowTag(products, 2)] })
    await pool.query("update products set name = 'x' where id = 2")
    expect([await cache.get('key'), await other.get('key')]).toEqual([undefined, undefined])
    await unwatchAllTables(db)
    expect(await watchedTables(db, { tables })).toHaveLength(1)
    await unwatchAllTables(db, { tables })
  })

  it('refuses names that are not tables of the user, and says why without repeating them', async () => {
    await pool.query('create or replace view a_view as select 1 as one; create table if not exists no_key (a int)')
    const refused = async (table: Watchable, message: RegExp, rows = false) => {
      const error = await watchTables(db, [products, table], { rows }).catch((e: unknown) => e)
      expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(message) })
    }
    await refused('secret_table', /tables that exist/)
    await refused('a_view', /not views/)
    await refused(cacheEntries, /not the cache's/)
    await refused(cacheInvalidations, /not the cache's/)
    await refused('public.cache_state', /not the cache's/)
    await refused('no_key', /primary key/, true)
    await watchTables(db, 'no_key')
    expect(await watchedTables(db)).toHaveLength(1)
    const missing = cacheTables({ schema: 'nowhere' })
    await expect(watchTables(db, products, { tables: missing })).rejects.toMatchObject({
      message: expect.stringContaining('migrate'),
    })
    // As `import * as schema` creates it.
    const namespace = Object.assign(Object.create(null), { products })
    for (const bad of [undefined, 5, '', [''], ['a\0'], [{}], [null], namespace, [namespace]]) {
      await expect(watchTables(db, bad as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      await expect(unwatchTables(db, bad as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
    for (const options of [{ row: true }, { rows: 1 }, { tables: 5 }]) {
      await expect(watchTables(db, products, options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
  })

  it('works on PGlite', async () => {
    const lite = drizzlePglite()
    cleanup(() => lite.$client.close())
    await migrate(lite)
    await lite.execute(sql`create table products (id int primary key, name text)`)
    await watchTables(lite, products, { rows: true })
    const own = createCache(lite)
    await own.setMany({ a: 1 }, { tags: [rowTag(products, 1)] })
    await lite.insert(products).values([{ id: 1 }, { id: 2 }])
    expect(await own.get('a')).toBe(undefined)
    expect(await watchedTables(lite)).toHaveLength(1)
  })
})

describe('names of watched tables', () => {
  const odd = pgSchema('Odd "schema".x:y')
  const TABLES = [
    odd.table('Ta"ble.with:all\\ ', { id: integer('id').primaryKey() }),
    pgTable('a.b', { id: integer('id').primaryKey() }),
    pgSchema('a').table('b', { id: integer('id').primaryKey() }),
    pgTable("it's $pgstash$ %I %s", { id: integer('id').primaryKey() }),
    pgTable('SELECT', { id: integer('id').primaryKey() }),
  ]
  it('may contain any characters, and no two share a tag', async () => {
    expect(new Set(TABLES.map(tableTag)).size).toBe(TABLES.length)
    await db.execute(sql`create schema if not exists ${sql.identifier('Odd "schema".x:y')}`)
    await db.execute(sql`create schema if not exists a`)
    for (const table of TABLES) {
      await db.execute(sql`create table ${table} (id int primary key)`)
      await watchTables(db, table, { rows: true })
      await pool.query('truncate cache_invalidations')
      await db.execute(sql`insert into ${table} values (7)`)
      expect(await noted()).toEqual([rowTag(table, 7), tableTag(table)].sort())
    }
    // Listed names are accepted again.
    const listed = await watchedTables(db)
    expect(listed).toHaveLength(TABLES.length)
    await unwatchTables(
      db,
      listed.map(({ table }) => table),
    )
    expect(await watchedTables(db)).toEqual([])
    for (const table of TABLES) await db.execute(sql`drop table ${table}`)
  })

  // A key of these names once stood in a template that TRUNCATE searched again.
  const HOSTILE = [
    '<source>',
    "$$ $body$ $pgstash$ '; drop table products; --",
    '"%I" %1$s %2$L %%',
    'a\nb\\c',
    'written',
    'tag',
    'holder',
    `x" as r; delete from products; --`,
    'é'.repeat(31),
  ]
  it.each(HOSTILE)('for a schema, a table, and the columns of its key may be any names: %j', async (name) => {
    const table = pgSchema(`s ${name}`.slice(0, 31)).table(
      name,
      { one: integer(name), two: text(`${name.slice(0, 28)} 2`) },
      (t) => [primaryKey({ columns: [t.one, t.two] })],
    )
    const [one, two] = [sql.identifier(name), sql.identifier(`${name.slice(0, 28)} 2`)]
    await db.execute(sql`create schema ${sql.identifier(`s ${name}`.slice(0, 31))}`)
    await db.execute(sql`create table ${table} (${one} int, ${two} text, primary key (${one}, ${two}))`)
    await watchTables(db, table, { rows: true })
    const both = [rowTag(table, [7, 'x']), tableTag(table)].sort()
    for (const write of [
      sql`insert into ${table} values (7, 'x')`,
      sql`update ${table} set ${one} = 7`,
      sql`truncate ${table}`,
    ]) {
      await pool.query('truncate cache_invalidations')
      await db.execute(write)
      expect(await noted()).toEqual(both)
    }
    expect(await db.$count(products)).toBe(2)
    await watchTables(db, table)
    await unwatchTables(db, table)
    expect(await watchedTables(db)).toEqual([])
  })

  it('are equal as Drizzle tables, as text, and quoted', () => {
    expect(tableTag('products')).toBe('table:public.products')
    expect(tableTag(products)).toBe(tableTag('public.products'))
    expect(tableTag('"public"."products"')).toBe(tableTag(products))
    expect(tableTag('"a.b"')).toBe(tableTag(pgTable('a.b', { id: integer('id') })))
    expect(tableTag('"we""ird"')).toBe('table:public.we"ird')
    for (const bad of [undefined, '', 5, {}, Object.create(null)])
      expect(() => tableTag(bad as never)).toThrow(/Expected a/)
  })
})

describe('tags of rows', () => {
  const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })
  const KEYS: Record<string, { type: string; make: (name: string) => PgTable; ids: [RowId, string][] }> = {
    int: {
      type: 'int',
      make: (name) => pgTable(name, { id: integer('id').primaryKey() }),
      ids: [
        [1, '1'],
        [-5, '-5'],
        ['7', '7'],
      ],
    },
    bigint: {
      type: 'bigint',
      make: (name) => pgTable(name, { id: bigint('id', { mode: 'bigint' }).primaryKey() }),
      ids: [
        [9_007_199_254_740_993n, '9007199254740993'],
        [12, '12'],
      ],
    },
    text: {
      type: 'text',
      make: (name) => pgTable(name, { id: text('id').primaryKey() }),
      ids: [
        'a,b',
        'a\\,b',
        'a:b|c',
        'quo\'te"%s',
        ' ',
        'ünï 😀',
        'x'.repeat(600),
        'é'.repeat(260),
        `${'z'.repeat(100)}\\`,
      ].map((value) => [value, value]),
    },
    uuid: {
      type: 'uuid',
      make: (name) => pgTable(name, { id: uuid('id').primaryKey() }),
      ids: [['6F9619FF-8B86-D011-B42D-00CF4FC964FF', '6f9619ff-8b86-d011-b42d-00cf4fc964ff']],
    },
    timestamptz: {
      type: 'timestamptz',
      make: (name) => pgTable(name, { id: timestamp('id', { withTimezone: true }).primaryKey() }),
      ids: [
        '2026-11-25T04:03:42.120Z',
        '2026-01-01T00:00:00.000Z',
        '1999-12-31T23:59:50.001Z',
        '0099-03-01T10:20:30.100Z',
      ].map((iso) => [new Date(iso), iso]),
    },
    timestamp: {
      type: 'timestamp',
      make: (name) => pgTable(name, { id: timestamp('id').primaryKey() }),
      ids: [[new Date('2026-11-25T04:03:42.120Z'), '2026-11-25 04:03:42.120']],
    },
    date: {
      type: 'date',
      make: (name) => pgTable(name, { id: date('id', { mode: 'date' }).primaryKey() }),
      ids: [[new Date('2026-11-25T00:00:00Z'), '2026-11-25']],
    },
    boolean: {
      type: 'boolean',
      make: (name) => pgTable(name, { id: boolean('id').primaryKey() }),
      ids: [
        [true, 'true'],
        [false, 'false'],
      ],
    },
    bytea: {
      type: 'bytea',
      make: (name) => pgTable(name, { id: bytea('id').primaryKey() }),
      ids: [[new Uint8Array([0, 255, 16]), '\\x00ff10']],
    },
  }
  it.each(Object.entries(KEYS))('with a key of %s equal the result of rowTag', async (name, { type, make, ids }) => {
    const table = make(`keyed ${name}`)
    await pool.query(`drop table if exists "keyed ${name}"; create table "keyed ${name}" (id ${type} primary key)`)
    await watchTables(db, table, { rows: true })
    for (const [id, value] of ids) {
      await pool.query('truncate cache_invalidations')
      const client = await pool.connect()
      // These session settings would print values differently.
      await client.query(`set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set bytea_output = 'escape'`)
      await client.query(`insert into "keyed ${name}" values ($1::text::${type})`, [value])
      await client.query('reset all')
      client.release()
      expect(await noted()).toEqual([storedTag(rowTag(table, id)), tableTag(table)].sort())
    }
    if (name !== 'date' && name !== 'timestamp') {
      const [id] = ids[0] ?? ['']
      expect(rowTag(`keyed ${name}`, name === 'uuid' ? String(id).toLowerCase() : id)).toBe(rowTag(table, id))
    }
    await pool.query(`drop table "keyed ${name}"`)
  })

  it('with a composite key have their values in the order of the key', async () => {
    const memberships = pgTable(
      'memberships',
      { note: text('note'), user: text('user_name'), team: integer('team') },
      (t) => [primaryKey({ columns: [t.team, t.user] })],
    )
    await pool.query(
      'drop table if exists memberships; create table memberships (note text, user_name text, team int, primary key (team, user_name))',
    )
    await watchTables(db, memberships, { rows: true })
    expect(await tagsOf("insert into memberships values ('x', 'a,b\\c', 5)")).toEqual(
      [rowTag(memberships, [5, 'a,b\\c']), tableTag(memberships)].sort(),
    )
    expect(rowTag(memberships, { user: 'a,b\\c', team: 5 })).toBe(rowTag('memberships', [5, 'a,b\\c']))
    expect(rowTag(memberships, { user_name: 'a', team: 5 })).toBe(rowTag(memberships, [5, 'a']))
    expect(rowTag(memberships, [1, '2,3'])).not.toBe(rowTag(memberships, ['1,2', '3']))
    const bad: unknown[] = [5, [5], [5, null], { team: 5 }, [5, 1.5], [5, Number.NaN], [5, {}], undefined, [], 'a']
    for (const id of bad) expect(() => rowTag(memberships, id as KeyValue)).toThrow(/Expected/)
    expect(() => rowTag('memberships', { team: 5 })).toThrow(/Drizzle table/)
    await pool.query('drop table memberships')
  })

  it('are invalidated one by one, before and after a change of the key, and all by truncate', async () => {
    await watchTables(db, products, { rows: true })
    await cache.setMany({ one: 1 }, { tags: [rowTag(products, 1)] })
    await cache.setMany({ two: 2 }, { tags: [rowTag(products, 2)] })
    await pool.query("update products set name = 'x' where id = 1")
    expect([...(await cache.getMany(['one', 'two'])).keys()]).toEqual(['two'])
    const moved = await tagsOf('update products set id = 9 where id = 2')
    expect(moved).toEqual(['row:public.products:2', 'row:public.products:9', 'table:public.products'])
    expect(await tagsOf('delete from products where id = 9')).toEqual([
      'row:public.products:9',
      'table:public.products',
    ])
    await pool.query("insert into products values (2, 'again')")
    expect(await tagsOf('truncate products cascade')).toEqual([
      'row:public.products:1',
      'row:public.products:2',
      'table:public.products',
    ])
    expect(await tagsOf('delete from products')).toEqual(['table:public.products'])
  })

  it('can be invalidated by hand', async () => {
    await cache.set('one', 1, { tags: [rowTag(products, 1)] })
    await cache.set('two', 2, { tags: [rowTag(products, 2)] })
    await invalidateRow(cache, products, 1)
    await invalidateRow(cache, 'products', '3')
    expect([...(await cache.getMany(['one', 'two'])).keys()]).toEqual(['two'])
  })
})

describe('partitioned tables', () => {
  beforeEach(async () => {
    await pool.query(`drop table if exists events;
      create table events (id int, day int, primary key (id, day)) partition by range (day);
      create table events_1 partition of events for values from (0) to (10);
      create table events_2 partition of events for values from (10) to (20) partition by range (day);
      create table events_2_1 partition of events_2 for values from (10) to (15)`)
  })
  const all = ['row:public.events:1,2', 'table:public.events']

  it.each([false, true])('are watched with their partitions, whichever is written (rows: %s)', async (rows) => {
    await watchTables(db, 'events', { rows })
    expect(await watchedTables(db)).toEqual([{ table: 'public.events', rows, relations: 4 }])
    const expected = rows ? all : ['table:public.events']
    expect(await tagsOf('insert into events values (1, 2)')).toEqual(expected)
    expect(await tagsOf('update events_1 set id = 1')).toEqual(expected)
    expect(await tagsOf('delete from events_1')).toEqual(expected)
    expect(await tagsOf('insert into events_2_1 values (5, 12)')).toEqual(
      rows ? ['row:public.events:5,12', 'table:public.events'] : ['table:public.events'],
    )
    expect(await tagsOf('truncate events_2')).toEqual(
      rows ? ['row:public.events:5,12', 'table:public.events'] : ['table:public.events'],
    )
    await unwatchTables(db, 'events')
    expect(await tagsOf('insert into events_1 values (1, 2)')).toEqual([])
  })

  it('cover a new partition at once through the table, and direct writes after another watch', async () => {
    await watchTables(db, 'events')
    await pool.query('create table events_3 partition of events for values from (30) to (40)')
    expect(await tagsOf('insert into events values (1, 31)')).toEqual(['table:public.events'])
    expect(await tagsOf('insert into events_3 values (2, 31)')).toEqual([])
    await watchTables(db, 'events')
    expect(await tagsOf('insert into events_3 values (3, 31)')).toEqual(['table:public.events'])
  })

  it('invalidate rows that move between partitions', async () => {
    await watchTables(db, 'events', { rows: true })
    await pool.query('insert into events values (1, 2)')
    expect(await tagsOf('update events set day = 12')).toEqual([
      'row:public.events:1,12',
      'row:public.events:1,2',
      'table:public.events',
    ])
  })
})

it('a session with session_replication_role = replica records nothing, which is a documented limit', async () => {
  await watchTables(db, products)
  expect(
    await tagsOf(
      "set session_replication_role = replica; update products set name = 'x'; reset session_replication_role",
    ),
  ).toEqual([])
})
