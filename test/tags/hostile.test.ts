/**
 * Other roles of the same database may create objects in the cache's schema. The package adopts none that they planted.
 */
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { createCache } from 'pgstash'
import { tableTag, unwatchTables, watchedTables, watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

/** A database in which `mallory` and `owner` may create in `public`, and the superuser owns the table `shop`. */
async function createTown() {
  const url = await createDatabase()
  const root = createPool(url, { max: 1 })
  const id = crypto.randomUUID().slice(0, 8)
  const [mallory, owner, group] = [`mallory_${id}`, `owner_${id}`, `group_${id}`]
  await root.query(`create role ${mallory} login password 'p'; create role ${owner} login password 'p'; create role ${group};
    grant create on schema public to ${mallory}, ${owner}, ${group}; create table shop (id int primary key); grant all on shop to ${owner}`)
  cleanup(async () => {
    const admin = new pg.Client(url)
    await admin.connect()
    await admin.query(`drop owned by ${mallory}, ${owner}, ${group} cascade; drop role ${mallory}, ${owner}, ${group}`)
    await admin.end()
  })
  const as = (role: string) => {
    const own = new URL(url)
    own.username = role
    own.password = 'p'
    return createPool(own.href, { max: 1 })
  }
  return { root, mallory: as(mallory), owner: as(owner), names: { mallory, owner, group } }
}
type Town = Awaited<ReturnType<typeof createTown>>

/** The function as it is installed, but planted by another role before any table is watched. */
async function plant({ root, mallory }: Town) {
  const { rows } = await root.query(
    "select pg_get_functiondef(oid) as text, proname from pg_proc where proname like 'cache_watch_%'",
  )
  await unwatchTables(drizzle(root), 'shop')
  await mallory.query(rows[0].text)
  return rows[0].proname as string
}

describe('watchTables', () => {
  it.each(['root', 'owner'] as const)('as %s refuses a function that another role has planted', async (who) => {
    const town = await createTown()
    await migrate(drizzle(town[who]))
    await watchTables(drizzle(town[who]), 'shop')
    const name = await plant(town)
    await expect(watchTables(drizzle(town[who]), 'shop')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/belong to the role that watches.+unwatch/),
    })
    // Replaced later by its owner, the function would have run as every writer.
    await town.mallory.query(
      `create or replace function ${name}() returns trigger language plpgsql as 'begin raise exception ''stolen''; end'`,
    )
    await town.root.query('insert into shop values (1)')
    expect(await watchedTables(drizzle(town[who]))).toEqual([])
  })

  it('works again after a superuser has dropped the planted objects', async () => {
    const town = await createTown()
    await migrate(drizzle(town.root))
    await watchTables(drizzle(town.root), 'shop')
    await plant(town)
    await unwatchTables(drizzle(town.root), 'shop')
    await watchTables(drizzle(town.root), 'shop')
    const cache = createCache(drizzle(town.root))
    await cache.set('key', 1, { tags: [tableTag('shop')] })
    await town.root.query('insert into shop values (1)')
    expect(await cache.get('key')).toBe(undefined)
  })

  it.each([
    ['security', 'alter function %s security invoker'],
    ['search path', 'alter function %s set search_path = public'],
    ['missing search path', 'alter function %s reset all'],
    ['grants', 'grant execute on function %s to public'],
    ['body', "create or replace function %s returns trigger language plpgsql as 'begin return null; end'"],
  ])('repairs the %s of its function', async (_name, change) => {
    const { root } = await createTown()
    await migrate(drizzle(root))
    await watchTables(drizzle(root), 'shop')
    const state = async () =>
      (
        await root.query(
          "select prosrc, prosecdef, proconfig, proacl::text, proname from pg_proc where proname like 'cache_watch_%'",
        )
      ).rows[0]
    const before = await state()
    await root.query(change.replace('%s', `${before.proname}()`))
    expect(await state()).not.toEqual(before)
    await watchTables(drizzle(root), 'shop')
    expect(await state()).toEqual(before)
  })

  it('grants its functions to no other role, whatever the default privileges are', async () => {
    const { root, names } = await createTown()
    await migrate(drizzle(root))
    await root.query(`alter default privileges grant execute on functions to ${names.mallory}`)
    await watchTables(drizzle(root), 'shop')
    const { rows } = await root.query("select proacl::text from pg_proc where proname like 'cache_watch_%'")
    expect(rows).toEqual([{ proacl: '{postgres=X/postgres}' }])
  })

  it.each([
    ['disabled', (name: string) => `alter table shop disable trigger ${name}`],
    [
      'of another function',
      (name: string) => `create function nothing() returns trigger language plpgsql as 'begin return null; end';
        create or replace trigger ${name} after insert on shop for each statement execute function nothing()`,
    ],
    [
      'with a condition',
      (name: string, fn: string) =>
        `create or replace trigger ${name} after insert on shop for each statement when (false) execute function ${fn}()`,
    ],
    [
      'for another event',
      (name: string, fn: string) =>
        `create or replace trigger ${name} after delete on shop for each statement execute function ${fn}()`,
    ],
  ])('replaces a trigger that is %s', async (_name, change) => {
    const { root } = await createTown()
    await migrate(drizzle(root))
    await watchTables(drizzle(root), 'shop')
    const { rows } = await root.query(
      "select tgname, tgfoid::regproc::text as fn from pg_trigger where tgrelid = 'shop'::regclass and tgname like '%insert'",
    )
    await root.query(change(rows[0].tgname, rows[0].fn))
    const cache = createCache(drizzle(root))
    await watchTables(drizzle(root), 'shop')
    await cache.set('key', 1, { tags: [tableTag('shop')] })
    await root.query('insert into shop values (1)')
    expect(await cache.get('key')).toBe(undefined)
  })

  it('refuses a log that belongs to another role, and a table that is not a log', async () => {
    const { root, mallory } = await createTown()
    const log =
      'create table cache_invalidations (tag text, xid xid8 default pg_current_xact_id(), primary key (tag, xid))'
    await mallory.query(log)
    await expect(watchTables(drizzle(root), 'shop')).rejects.toMatchObject({
      message: expect.stringMatching(/log to belong to/),
    })
    await mallory.query('drop table cache_invalidations; create table cache_invalidations (id int)')
    await expect(watchTables(drizzle(root), 'shop')).rejects.toMatchObject({
      message: expect.stringMatching(/schema or prefix/),
    })
  })

  it('writes nothing to a log that the schema owner has replaced, and reports that to the writer', async () => {
    const { root, mallory, names } = await createTown()
    const tables = cacheTables({ schema: 'cache' })
    await root.query(`create schema cache authorization ${names.mallory}`)
    await migrate(drizzle(root), { tables })
    await watchTables(drizzle(root), 'shop', { tables })
    // The owner of a schema may drop objects in it.
    await mallory.query(`drop table cache.cache_invalidations;
      create table cache.cache_invalidations (tag text, xid xid8 default pg_current_xact_id(), primary key (tag, xid));
      grant all on cache.cache_invalidations to public; create table cache.ran (as_role text);
      create function cache.run() returns trigger language plpgsql as 'begin insert into cache.ran values (current_user); return new; end';
      create trigger run before insert on cache.cache_invalidations for each row execute function cache.run()`)
    await expect(root.query('insert into shop values (1)')).rejects.toMatchObject({ code: '42501' })
    expect((await mallory.query('select * from cache.ran')).rows).toEqual([])
  })

  it('can be run by each member of the group that owns the functions and the log', async () => {
    const { root, owner, names } = await createTown()
    await root.query(`grant ${names.group} to ${names.owner}`)
    await owner.query(`set role ${names.group}`)
    await migrate(drizzle(owner))
    await root.query(`grant all on shop to ${names.group}`)
    await watchTables(drizzle(owner), 'shop')
    await owner.query('reset role')
    await migrate(drizzle(owner))
    await watchTables(drizzle(owner), 'shop')
    const cache = createCache(drizzle(owner))
    await cache.set('key', 1, { tags: [tableTag('shop')] })
    await root.query('insert into shop values (1)')
    expect(await cache.get('key')).toBe(undefined)
  })
})

describe.each(['cache_changes', 'cache_history'])('%s', (name) => {
  it.each([{}, { schema: 'Own "schema"', prefix: "it's_" }])(
    'is recognized as one of the cache’s own tables, with %j',
    async (place) => {
      const { root } = await createTown()
      const tables = cacheTables(place)
      await migrate(drizzle(root), { tables })
      const table = name === 'cache_changes' ? tables.changes : tables.history
      await expect(watchTables(drizzle(root), table, { tables })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining("not the cache's"),
      })
    },
  )
})

describe('a trigger of another role on the log, which would run as every writer', () => {
  it('is refused by watchTables and migrate until it is dropped', async () => {
    const { root, mallory, names } = await createTown()
    await migrate(drizzle(root))
    await root.query(`grant all on all tables in schema public to ${names.mallory}`)
    await mallory.query(`create function evil() returns trigger language plpgsql as 'begin return new; end';
      create trigger evil before insert on cache_invalidations for each row execute function evil()`)
    await expect(watchTables(drizzle(root), 'shop')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('triggers'),
    })
    await expect(migrate(drizzle(root))).rejects.toMatchObject({
      message: expect.stringContaining('trigger of another role'),
    })
    await root.query('drop trigger evil on cache_invalidations')
    await migrate(drizzle(root))
    await watchTables(drizzle(root), 'shop')
  })
})

describe('migrate', () => {
  const PLANTED = {
    cache_state:
      'create table cache_state (name text primary key, value text not null, updated_at timestamptz default now())',
    cache_invalidations:
      'create table cache_invalidations (tag text, xid xid8 default pg_current_xact_id(), primary key (tag, xid))',
  }
  it.each(Object.entries(PLANTED))(
    'as superuser refuses %s of another role, and changes nothing',
    async (name, statement) => {
      const { root, mallory } = await createTown()
      await mallory.query(`${statement};
      create table ran (as_role text); grant all on ran to public;
      create function run() returns trigger language plpgsql as 'begin insert into ran values (current_user); return new; end';
      create trigger run before insert on ${name} for each row execute function run()`)
      await expect(migrate(drizzle(root))).rejects.toMatchObject({
        code: 'DATABASE',
        message: expect.stringMatching(
          new RegExp(`Expected ${name} to belong to the role that migrates.+Nothing was changed`),
        ),
      })
      expect((await root.query('select * from ran')).rows).toEqual([])
      expect(
        (await root.query("select 1 from pg_class where relname like 'cache%' and relkind = 'r'")).rows,
      ).toHaveLength(1)
    },
  )

  it('as superuser refuses tables of an ordinary role, which migrates them itself', async () => {
    const { root, owner } = await createTown()
    await migrate(drizzle(owner))
    await expect(migrate(drizzle(root))).rejects.toMatchObject({
      message: expect.stringContaining('Migrate as the role that owns it'),
    })
    await migrate(drizzle(owner), { changes: true })
  })

  it.each(['root', 'owner'] as const)('as %s refuses a trigger function that another role has planted', async (who) => {
    const town = await createTown()
    await town.mallory.query(
      "create function cache_note_entries_insert() returns trigger language plpgsql as 'begin return null; end'",
    )
    await expect(migrate(drizzle(town[who]), { changes: true })).rejects.toMatchObject({
      code: 'DATABASE',
      message: expect.stringMatching(/functions of the cache to belong to the role that migrates/),
    })
    expect(
      (await town.root.query("select 1 from pg_class where relname like 'cache%' and relkind = 'r'")).rows,
    ).toEqual([])
  })

  it('replaces a trigger that records nothing', async () => {
    const { root } = await createTown()
    await migrate(drizzle(root), { changes: true })
    await root.query(`alter table cache_entries disable trigger cache_note_entries_insert`)
    await migrate(drizzle(root), { changes: true })
    await createCache(drizzle(root)).set('key', 1)
    expect((await root.query('select kind, name from cache_changes')).rows).toEqual([{ kind: 'key', name: 'key' }])
  })

  it.each(['"$user", public', 'public, pg_catalog'])(
    'and watchTables run nothing that another role has planted on the search path %s',
    async (path) => {
      const { root, mallory, owner } = await createTown()
      await mallory.query(`create table ran (what text); grant all on ran to public;
      create function format(text, name, name) returns text language plpgsql as
        'begin insert into ran values (''format''); return pg_catalog.format($1, $2, $3); end';
      create function format(text, text) returns text language plpgsql as
        'begin insert into ran values (''format''); return pg_catalog.format($1, $2); end';
      create function same(oid, regclass) returns boolean language plpgsql as
        'begin insert into ran values (''=''); return $1::int8 = $2::oid::int8; end';
      create operator = (leftarg = oid, rightarg = regclass, function = same);
      create function to_regclass(text) returns regclass language plpgsql as
        'begin insert into ran values (''to_regclass''); return pg_catalog.to_regclass($1); end';
      create function current_setting(text) returns text language plpgsql as
        'begin insert into ran values (''current_setting''); return pg_catalog.current_setting($1); end';
      create function divided(numeric, int) returns numeric language sql immutable as 'select $1 / $2::numeric';
      create operator / (leftarg = numeric, rightarg = int, function = divided);
      create function noted(pg_catalog.text) returns boolean language plpgsql as
        'begin insert into public.ran values (''a domain''); return true; end';
      create domain public.record as pg_catalog.text;
      create domain public.text as pg_catalog.text check (public.noted(value))`)
      for (const pool of [root, owner]) {
        await pool.query(`set search_path = ${path}`)
        const tables = cacheTables({ prefix: pool === root ? 'a_' : 'b_' })
        await migrate(drizzle(pool), { tables, changes: true })
        await migrate(drizzle(pool), { tables, changes: true })
        await watchTables(drizzle(pool), 'shop', { tables, rows: true })
        await root.query('insert into shop values (1); truncate shop')
      }
      expect((await root.query('select * from ran')).rows).toEqual([])
      // A stored expression would run it for every writer.
      const { rows } = await root.query(
        `select 1 from pg_depend where refobjid = 'divided'::regproc and classid <> 'pg_operator'::regclass`,
      )
      expect(rows).toEqual([])
    },
  )

  it('leaves the settings of the caller’s transaction unchanged', async () => {
    const { root } = await createTown()
    await root.query("begin; set local search_path = public, pg_catalog; set local client_min_messages = 'notice'")
    await migrate(drizzle(root))
    await watchTables(drizzle(root), 'shop')
    const { rows } = await root.query(
      "select current_setting('search_path') as path, current_setting('client_min_messages') as level",
    )
    await root.query('commit')
    expect(rows).toEqual([{ path: 'public, pg_catalog', level: 'notice' }])
  })
})
