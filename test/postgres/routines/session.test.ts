/** A session keeps the plans of routines. Later changes in the session or the database must still take effect. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeEach, expect, it } from 'vitest'
import { ROUTINE_VERSION } from '../../../src/postgres/routines/generated.ts'
import { createDatabase, createPool } from '../../setup/databases.ts'

/** Enough calls for Postgres to choose a generic plan. */
const CALLS = 12

let pool: pg.Pool

beforeEach(async () => {
  pool = createPool(await createDatabase(), { max: 1 })
})

it('a changed search path reaches the tables of the other schema', async () => {
  const db = drizzle(pool)
  for (const schema of ['one', 'two']) {
    await pool.query(`create schema ${schema}; set search_path to ${schema}`)
    await migrate(db)
    await createCache(db).set('key', schema)
  }
  const cache = createCache(db)
  for (let i = 0; i < CALLS; i++) {
    for (const schema of ['one', 'two']) {
      await pool.query(`set search_path to ${schema}`)
      expect(await cache.get('key')).toBe(schema)
      expect(await cache.getOrSet('key', () => 'computed')).toBe(schema)
    }
  }
})

it('a changed role is checked by its own row-level security', async () => {
  const role = `app_${crypto.randomUUID().replaceAll('-', '')}`
  const db = drizzle(pool)
  await migrate(db)
  await pool.query(`create role ${role}; grant all on all tables in schema public to ${role}`)
  await pool.query('alter table cache_invalidations enable row level security')
  const cache = createCache(db)
  await cache.set('tagged', 1, { tags: ['tag'] })
  for (let i = 0; i < CALLS; i++) {
    await pool.query('reset role')
    expect(await cache.get('tagged')).toBe(1)
    await pool.query(`set role ${role}`)
    // The log may hide rows from this role, so tagged entries are misses.
    expect(await cache.get('tagged')).toBeUndefined()
  }
  await pool.query(`reset role; drop owned by ${role}; drop role ${role}`)
})

it('routines that are dropped and created again work without an error', async () => {
  const db = drizzle(pool)
  await migrate(db)
  const cache = createCache(db)
  await cache.set('key', 1)
  for (let i = 0; i < CALLS; i++) expect(await cache.get('key')).toBe(1)
  await pool.query(`drop function cache_read_one_${ROUTINE_VERSION}`)
  await migrate(db)
  for (let i = 0; i < CALLS; i++) expect(await cache.get('key')).toBe(1)
  expect(await cache.increment('counter')).toBe(1)
})
