/**
 * The SQL in docs/guides/production.md and docs/guides/operations.md runs, and its roles have the documented rights.
 */
import { readFile } from 'node:fs/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROUTINE_PARAMETERS } from '../../src/postgres/routines/generated.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

/** Roles belong to the server, and other tests use it too. */
const RUN = crypto.randomUUID().slice(0, 8)
const ROLES = ['cache_app', 'cache_reader']

let url: string
let owner: pg.Pool

beforeAll(async () => {
  url = await createDatabase()
  owner = createPool(url)
  await migrate(drizzle(owner))
})

async function blocks(path: string): Promise<string[]> {
  const text = await readFile(new URL(`../../docs/guides/${path}`, import.meta.url), 'utf8')
  const found = [...text.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql = '']) => sql)
  return found.map((sql) => ROLES.reduce((each, role) => each.replaceAll(role, `${role}_${RUN}`), sql))
}

async function cacheOf(role: string, password: string): Promise<Cache> {
  const own = new URL(url)
  own.username = `${role}_${RUN}`
  own.password = password
  return createCache(drizzle(createPool(own.href)), { timeout: 60_000 })
}

const refused = { code: 'DATABASE', sqlState: '42501', message: expect.stringContaining('`pgstash doctor`') }

describe('docs/guides/production.md', () => {
  it('has SQL that runs', async () => {
    const statements = await blocks('production.md')
    expect(statements.length).toBeGreaterThanOrEqual(3)
    cleanup(async () => {
      for (const role of ROLES) await owner.query(`drop owned by ${role}_${RUN}; drop role ${role}_${RUN}`)
    })
    for (const statement of statements) await owner.query(statement)
  })

  it('has a role for applications with all rights that a cache needs', async () => {
    const cache = await cacheOf('cache_app', 'change me')
    await cache.set('key', { some: 'value' }, { tags: ['tag'], expiration: '1h' })
    expect(await cache.get('key', { sliding: '2h' })).toEqual({ some: 'value' })
    expect(await cache.getOrSet('computed', () => 42, { expiration: '1h' })).toBe(42)
    expect(await cache.increment('computed')).toBe(43)
    expect((await cache.limit('limit', { limit: 1, period: '1m' })).allowed).toBe(true)
    await cache.invalidate('tag')
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.clearExpired()).toMatchObject({ more: false })
    expect(await cache.clear()).toBeGreaterThan(0)
    await expect(owner.query('table cache_entries')).resolves.toMatchObject({ rows: [] })
  })

  it('has a role for readers that may read, and nothing else', async () => {
    await createCache(drizzle(owner), { timeout: 60_000 }).set('key', 'value', { expiration: '1h', tags: ['tag'] })
    const cache = await cacheOf('cache_reader', 'change me too')
    expect(await cache.get('key')).toBe('value')
    expect([...(await cache.getMany(['key', 'none']))]).toEqual([['key', 'value']])
    expect([await cache.has('key'), await cache.count()]).toEqual([true, 1])
    expect((await cache.stats()).total).toBe(1)
    expect((await cache.list()).entries).toHaveLength(1)
    // Read, but not changed.
    expect(await cache.get('key', { sliding: '2h' })).toBe('value')
    for (const write of [
      () => cache.set('key', 'other'),
      () => cache.getOrSet('none', 1),
      () => cache.touch('key', '1h'),
      () => cache.increment('count'),
      () => cache.delete('key'),
      () => cache.invalidate('tag'),
      () => cache.clear(),
      () => cache.clearExpired(),
    ]) {
      await expect(write()).rejects.toMatchObject(refused)
    }
    expect(await cache.get('key')).toBe('value')
  })
})

describe('docs/guides/operations.md', () => {
  it('has SQL that runs', async () => {
    const statements = (await blocks('operations.md')).filter((sql) => !sql.startsWith('drop table'))
    expect(statements.length).toBeGreaterThanOrEqual(3)
    await owner.query(`create role app_${RUN}`)
    cleanup(() => owner.query(`drop owned by app_${RUN}; drop role app_${RUN}`))
    for (const statement of statements) await owner.query(statement.replace(' to app;', ` to app_${RUN};`))
  })

  it('drops every table and function', async () => {
    const [drop = ''] = (await blocks('operations.md')).filter((sql) => sql.startsWith('drop table'))
    const own = createPool(await createDatabase())
    await migrate(drizzle(own), { changes: true })
    await migrate(drizzle(own), { routines: false })
    await own.query(drop)
    const { rows } = await own.query(`select tablename as name from pg_tables where schemaname = 'public'
      union all select proname from pg_proc where pronamespace = 'public'::regnamespace`)
    expect(rows).toEqual([])
  })
})

describe('docs/guides/routines.md', () => {
  it('has SQL that runs, and finds the routines', async () => {
    const statements = await blocks('routines.md')
    expect(statements.length).toBe(3)
    const own = createPool(await createDatabase(), { max: 1 })
    await migrate(drizzle(own))
    await own.query(`create role cache_app_${RUN}_r`)
    cleanup(() => own.query(`drop owned by cache_app_${RUN}_r; drop role cache_app_${RUN}_r`))
    const [grants = '', looks = '', explains = ''] = statements
    await own.query(grants.replaceAll(`cache_app_${RUN}`, `cache_app_${RUN}_r`))
    const results = (await own.query(looks)) as unknown as pg.QueryResult[]
    expect(results.map(({ rowCount }) => rowCount)).toEqual([1, Object.keys(ROUTINE_PARAMETERS).length])
    await own.query(explains)
  })
})
