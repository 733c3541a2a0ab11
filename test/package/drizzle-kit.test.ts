import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { like, sql } from 'drizzle-orm'
import { drizzle as drizzlePg, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { migrate as migrateOwnPg } from 'drizzle-orm/node-postgres/migrator'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { drizzle, type PgliteDatabase } from 'drizzle-orm/pglite'
import { migrate as migrateOwn } from 'drizzle-orm/pglite/migrator'
import { transform } from 'esbuild'
import { type CacheTables, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheState, cacheTables, defaultTables } from 'pgstash/schema'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { bin, install, linkPackages, pack, ROOT, run, temporaryFolder } from './packed.ts'

const NOTHING_NEW = 'No schema changes, nothing to migrate'
const MIGRATIONS = [
  'migration 0000_init',
  'migration 0001_fences',
  'migration 0002_responses',
  'migration 0003_changes',
  'migration 0004_history',
  'migration 0005_lease_slots',
  'migration 0006_plain_slots',
  'migration 0007_limit_history',
]
const RECIPE = 'docs/snippets/own-drizzle-kit'

describe('the migrations in drizzle/', () => {
  it('are fresh: drizzle-kit has nothing to add', async () => {
    const folder = await checkout()
    const { stdout } = await generate(folder)
    expect(stdout).toContain(NOTHING_NEW)
    expect(await readdir(join(folder, 'drizzle'))).toEqual(await readdir(join(ROOT, 'drizzle')))
  })

  it('are stale after a new column, and drizzle-kit says so', async () => {
    const folder = await checkout()
    const file = join(folder, 'src/schema/index.ts')
    const schema = await readFile(file, 'utf8')
    await writeFile(file, schema.replace("value: text('value'),", "$& added: text('added'),"))
    const { stdout } = await generate(folder)
    expect(stdout).not.toContain(NOTHING_NEW)
    const known = MIGRATIONS.map((name) => name.replace('migration ', ''))
    const written = (await readdir(join(folder, 'drizzle'))).filter(
      (name) => name.endsWith('.sql') && !known.includes(name.replace('.sql', '')),
    )
    expect(written).toHaveLength(1)
    const statement = await readFile(join(folder, 'drizzle', written[0] ?? ''), 'utf8')
    expect(statement).toBe('ALTER TABLE "cache_entries" ADD COLUMN "added" text;')
  })

  it('equal the migrations in src/migrate/migrations.ts', async () => {
    const module = pathToFileURL(join(ROOT, 'drizzle/embed.mjs')).href
    const { embed } = (await import(module)) as { embed(): string }
    expect(await readFile(join(ROOT, 'src/migrate/migrations.ts'), 'utf8')).toBe(embed())
  })
})

describe('the recipe for projects with their own drizzle-kit', () => {
  /** The recipe's files, with the packed package installed. */
  let project: string

  beforeAll(async () => {
    project = await install(await pack())
    await linkPackages(project, ['drizzle-kit', 'pg'])
    await cp(join(ROOT, RECIPE), project, { recursive: true })
  })

  it.each<[string, string, CacheTables]>([
    ['a re-export of pgstash/schema', 'schema.ts', defaultTables],
    ['tables under own names', 'schema-with-own-names.ts', cacheTables({ schema: 'stash', prefix: 'shop_' })],
  ])('generates tables from %s that work, and that migrate adopts', async (_name, file, tables) => {
    const migrationsFolder = await generateFrom(file)
    const client = new PGlite()
    cleanup(() => client.close())
    const db = drizzle(client)
    await migrateOwn(db, { migrationsFolder })

    const cache = createCache(db, { tables })
    await cache.set('before', 'kept', { tags: ['some'], expiration: '1h' })
    expect(await cache.get('before')).toBe('kept')

    await migrate(db, { tables })
    const adopted = await shape(db, tables)
    expect(adopted.options).toEqual(['autovacuum_vacuum_scale_factor=0.1', 'fillfactor=85'])
    expect(adopted.toastOptions).toEqual(['autovacuum_vacuum_scale_factor=0.05'])
    expect(adopted.applied).toEqual(MIGRATIONS)
    expect(await cache.get('before')).toBe('kept')
    expect(await cache.increment('counter')).toBe(1)
    await cache.invalidate('some')
    expect(await cache.has('before')).toBe(false)

    await migrate(db, { tables })
    expect(await shape(db, tables)).toEqual(adopted)

    // The tables equal those of migrate.
    const own = cacheTables({ schema: 'made by migrate', prefix: tables.prefix })
    await migrate(db, { tables: own })
    expect(await shape(db, own)).toEqual(adopted)
  })

  it('generates nothing the second time', async () => {
    await generate(project)
    expect((await generate(project)).stdout).toContain(NOTHING_NEW)
  })

  it('sets a database up with the code that it shows', async () => {
    await generate(project)
    const { code } = await transform(await readFile(join(project, 'set-up.ts'), 'utf8'), { loader: 'ts' })
    await writeFile(join(project, 'set-up.js'), code)
    const url = await createDatabase()
    const { stderr, code: exitCode } = await run('node', ['set-up.js'], project, { DATABASE_URL: url })
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    const db = drizzlePg(createPool(url))
    expect(
      await db.select({ name: cacheState.name }).from(cacheState).where(like(cacheState.name, 'migration %')),
    ).toEqual(MIGRATIONS.map((name) => ({ name })))
    expect((await db.execute(sql`select * from products`)).rows).toEqual([])
  })

  it('installs the routines by a custom migration, with the commands of docs/guides/routines.md', async () => {
    const url = await createDatabase()
    const out = ['--dialect', 'postgresql', '--out', './custom']
    const first = await run(bin('drizzle-kit'), ['generate', ...out, '--schema', './schema.ts'], project)
    expect(first.code, first.stdout + first.stderr).toBe(0)
    const custom = ['generate', ...out, '--schema', './schema.ts', '--custom', '--name=pgstash']
    expect((await run(bin('drizzle-kit'), custom, project)).code).toBe(0)
    const { stdout } = await run('node', [join(ROOT, 'dist/cli/index.js'), 'migrate', '--print-sql'], project)
    await writeFile(join(project, 'custom/0001_pgstash.sql'), stdout)
    const pool = createPool(url)
    await migrateOwnPg(drizzlePg(pool), { migrationsFolder: join(project, 'custom') })
    const routines = () =>
      pool.query("select oid, xmin from pg_proc where proname ~ '^cache_.*_[0-9a-f]{8}$' order by 1")
    const installed = (await routines()).rows
    expect(installed.length).toBeGreaterThan(50)
    await migrate(drizzlePg(pool))
    expect((await routines()).rows).toEqual(installed)

    // drizzle-kit knows no functions.
    const push = ['push', '--dialect', 'postgresql', '--schema', './schema.ts', '--url', url, '--force']
    const pushed = await run(bin('drizzle-kit'), push, project)
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    expect((await routines()).rows).toEqual(installed)
    const pulled = await run(
      bin('drizzle-kit'),
      ['pull', '--dialect', 'postgresql', '--url', url, '--out', './pulled'],
      project,
    )
    expect(pulled.code, pulled.stdout + pulled.stderr).toBe(0)
    expect((await routines()).rows).toEqual(installed)
  })

  it('leaves our tables alone with the documented tablesFilter: push drops none, and what pull writes has a schema', async () => {
    const url = await createDatabase()
    const pool = createPool(url)
    await migrate(drizzlePg(pool))
    const count = async () =>
      (await pool.query("select count(*)::int as n from pg_class where relname ~ '^cache_' and relkind = 'r'")).rows[0]
        .n
    const before = await count()
    expect(before).toBe(6)
    await writeFile(
      join(project, 'own.ts'),
      `import { pgTable, text } from 'drizzle-orm/pg-core'\nexport const own = pgTable('own', { id: text('id').primaryKey() })\n`,
    )
    const filter = ['--tablesFilter', '!cache_*']
    const options = ['--dialect', 'postgresql', '--url', url]
    const push = () =>
      run(bin('drizzle-kit'), ['push', ...options, '--schema', './own.ts', '--force', ...filter], project)
    expect((await push()).stdout).toContain('Changes applied')
    expect((await push()).stdout).toContain('No changes detected')
    expect(await count()).toBe(before)
    const pulled = await run(bin('drizzle-kit'), ['pull', ...options, '--out', './filtered', ...filter], project)
    expect(pulled.code, pulled.stdout + pulled.stderr).toBe(0)
    const schema = await readFile(join(project, 'filtered/schema.ts'), 'utf8')
    expect(schema).toContain('own')
    expect(schema).not.toContain('unknown(')
  })

  it.each<[string, string, CacheTables]>([
    ['a re-export of pgstash/schema', 'schema.ts', defaultTables],
    ['tables under own names', 'schema-with-own-names.ts', cacheTables({ schema: 'stash', prefix: 'shop_' })],
  ])('alters no column in a second push of %s, before and after migrate', async (_name, file, tables) => {
    const url = await createDatabase()
    const db = drizzlePg(createPool(url))
    const config = {
      dialect: 'postgresql',
      schema: `./${file}`,
      schemaFilter: ['public', 'stash'],
      dbCredentials: { url },
    }
    await writeFile(join(project, 'push.config.json'), JSON.stringify(config))
    const push = async () => {
      const options = ['--config', 'push.config.json', '--force', '--verbose']
      const { code, stdout, stderr } = await run(bin('drizzle-kit'), ['push', ...options], project)
      expect(code, stdout + stderr).toBe(0)
      return stdout
    }
    expect(await push()).toContain('CREATE TABLE')
    expect(changesOf(await push())).toEqual([])
    const cache = createCache(db, { tables })
    await cache.namespace('a').set('key', 1)
    await migrate(db, { tables })
    expect(await collationsOf(db, tables)).toEqual(['C', 'C', 'C', 'C'])
    expect(changesOf(await push())).toEqual([])
    expect(await collationsOf(db, tables)).toEqual(['C', 'C', 'C', 'C'])
    expect(await cache.namespace('a').count()).toBe(1)
  })

  async function generateFrom(file: string): Promise<string> {
    const out = `./migrations-of-${file}`
    const options = ['--dialect', 'postgresql', '--schema', `./${file}`, '--out', out]
    const { code, stdout, stderr } = await run(bin('drizzle-kit'), ['generate', ...options], project)
    expect(code, stdout + stderr).toBe(0)
    return join(project, out)
  }
})

/**
 * The statements of a push, except those that create the same composite primary key again. drizzle-kit reads the columns of a key
 * in no certain order, and takes another order for a change.
 */
function changesOf(output: string): string[] {
  const statements = output.match(/^(?:ALTER|CREATE|DROP) .*/gm) ?? []
  return statements.filter((statement) => !/(?:DROP|ADD) CONSTRAINT "\w+_pk"/.test(statement))
}

/** The collations of keys, tags and names. */
async function collationsOf(
  db: NodePgDatabase,
  { entries, leases, invalidations, changes, schema = 'public' }: CacheTables,
) {
  const names = [entries, leases, invalidations, changes].map((table) => `"${schema}"."${getTableConfig(table).name}"`)
  const { rows } = await db.execute(sql`
    select l.collname as name from pg_attribute as a join pg_collation as l on l.oid = a.attcollation
    where a.attrelid = any (${sql.param(names)}::regclass[]) and a.attname in ('key', 'tag', 'name')`)
  return rows.map(({ name }) => name)
}

/** Everything in a schema that a change can break, without the names of constraints and indexes. */
async function shape(db: PgliteDatabase, { entries, state, schema = 'public', prefix }: CacheTables) {
  const columns = await db.execute(sql`
    select c.relname::text as table, a.attname::text as column, format_type(a.atttypid, a.atttypmod) as type,
      a.attnotnull as required, pg_get_expr(d.adbin, d.adrelid) as "default", a.attgenerated::text as generated,
      a.attcompression::text as compression, l.collname::text as collation
    from pg_attribute a join pg_class c on c.oid = a.attrelid
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum left join pg_collation l on l.oid = a.attcollation
    where c.relnamespace = to_regnamespace(${`"${schema}"`}) and c.relkind = 'r' and a.attnum > 0
      and c.relname like ${`${prefix}cache\\_%`}
    order by 1, a.attnum`)
  const indexes = await db.execute(sql`
    select c.relname::text as name, i.indisprimary as primary, pg_get_indexdef(i.indexrelid, 1, true) as first
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    where c.relnamespace = to_regnamespace(${`"${schema}"`}) and t.relname like ${`${prefix}cache\\_%`} order by 1`)
  const options = await db.execute<{ heap: string[]; toast: string[] }>(sql`
    select c.reloptions as heap, t.reloptions as toast
    from pg_class c join pg_class t on t.oid = c.reltoastrelid where c.oid = to_regclass(${qualified(entries)})`)
  const applied = await db.select({ name: state.name }).from(state).where(like(state.name, 'migration %'))
  return {
    columns: columns.rows,
    indexes: indexes.rows,
    options: options.rows[0]?.heap,
    toastOptions: options.rows[0]?.toast,
    applied: applied.map(({ name }) => name),
  }
}

function qualified(table: CacheTables['entries']): string {
  const { name, schema = 'public' } = getTableConfig(table)
  return `"${schema}"."${name}"`
}

/** A copy of the files that `npm run db:generate` reads. */
async function checkout(): Promise<string> {
  const folder = join(await temporaryFolder(), 'checkout')
  await mkdir(folder)
  for (const path of ['drizzle', 'drizzle.config.ts', 'src', 'package.json', 'tsconfig.json']) {
    await cp(join(ROOT, path), join(folder, path), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

async function generate(folder: string) {
  const result = await run(bin('drizzle-kit'), ['generate'], folder)
  expect(result.code, result.stdout + result.stderr).toBe(0)
  return result
}
