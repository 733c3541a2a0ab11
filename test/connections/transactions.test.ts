/** Invalidation and caches inside transactions of programs without Drizzle. */
import { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig } from '@neondatabase/serverless'
import type pg from 'pg'
import { type Cache, createCache, invalidation } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { unwatchTables, watchedTables, watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { createFaults } from 'pgstash/testing'
import postgres from 'postgres'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { renameWithNeon, renameWithPg, renameWithPostgresJs } from '../../docs/snippets/tags/without-drizzle.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

// PGlite starts, on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

let url: string
let pool: pg.Pool
let cache: Cache
const UPDATE = 'update products set name = $1 where id = 1'
const TAG = `product:"1' $1`

beforeAll(async () => {
  url = await createDatabase()
  pool = createPool(url)
  await pool.query('create table products (id int primary key, name text not null)')
  await migrate(pool)
  cache = createCache(pool, { timeout: 60_000 })
})

beforeEach(async () => {
  await pool.query(`truncate products`)
  await pool.query(`insert into products values (1, 'old')`)
  await cache.clear()
  await fill()
})

/** Reads the product through the cache. */
async function fill(): Promise<unknown> {
  const read = async () => (await pool.query('select name from products')).rows[0]?.name
  return cache.getOrSet('product', read, { tags: [TAG, 'products'] })
}

class Rollback extends Error {}

describe('invalidation', () => {
  it('joins a transaction of pg, and is visible after the commit', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(UPDATE, ['new'])
    await client.query(invalidation(TAG))
    expect(await fill()).toBe('old')
    await client.query('commit')
    client.release()
    expect(await fill()).toBe('new')
  })

  it('has no effect if the transaction of pg rolls back', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(invalidation([TAG, 'products']))
    await client.query('rollback')
    client.release()
    expect(await cache.get('product')).toBe('old')
  })

  it.each(['commits', 'rolls back'])('joins a transaction of postgres-js that %s', async (end) => {
    const sql = postgres(url, { onnotice: () => {} })
    cleanup(() => sql.end())
    const { text, values } = invalidation(TAG)
    const work = sql.begin(async (tx) => {
      await tx`update products set name = ${'new'}`
      await tx.unsafe(text, values)
      if (end === 'rolls back') throw new Rollback()
    })
    await work.catch((error: unknown) => expect(error).toBeInstanceOf(Rollback))
    expect(await fill()).toBe(end === 'commits' ? 'new' : 'old')
  })

  it('joins a transaction of neon(), in its single request', async () => {
    const faults = createFaults()
    const server = await startLocalNeon({ database: url, intercept: faults })
    cleanup(() => server.close())
    neonConfig.fetchEndpoint = () => server.endpoint
    const sql = neon(server.connectionString)
    const { text, values } = invalidation(TAG)
    await sql.transaction([sql.query(UPDATE, ['new']), sql.query(text, values)])
    expect(faults.requests).toBe(1)
    expect(await fill()).toBe('new')
  })

  it('has SQL text with one cast parameter, and the tables of the options', () => {
    const { text, values } = invalidation(['b', 'a'], { tables: cacheTables({ prefix: 'shop_' }) })
    expect(values).toEqual(['["b","a"]'])
    expect(text).toContain('"shop_cache_invalidations"')
    expect(text.match(/\$\d/g)).toEqual(['$1'])
    expect(text).toContain('$1::text')
  })
})

describe('docs/snippets/tags/without-drizzle.ts', () => {
  it.each(['pg', 'postgres-js', 'neon()'])(
    'renames a product with %s, and no reader gets the old name',
    async (name) => {
      const read = async () => (await pool.query('select name from products')).rows[0]?.name
      const named = () => cache.getOrSet('named', read, { tags: ['product:1'] })
      expect(await named()).toBe('old')
      if (name === 'pg') {
        const client = await pool.connect()
        await renameWithPg(client, 1, name)
        client.release()
      } else if (name === 'postgres-js') {
        const sql = postgres(url, { onnotice: () => {} })
        cleanup(() => sql.end())
        await renameWithPostgresJs(sql, 1, name)
      } else {
        const server = await startLocalNeon({ database: url })
        cleanup(() => server.close())
        neonConfig.fetchEndpoint = () => server.endpoint
        await renameWithNeon(neon(server.connectionString), 1, name)
      }
      expect(await named()).toBe(name)
    },
  )
})

describe('a cache over a transaction', () => {
  it('with postgres-js writes and rolls back with it', async () => {
    const sql = postgres(url, { onnotice: () => {} })
    cleanup(() => sql.end())
    await sql.begin(async (tx) => {
      const own = createCache(tx, { timeout: 60_000 })
      await own.set('own', 1)
      expect([await own.get('own'), await cache.get('own')]).toEqual([1, undefined])
    })
    expect(await cache.get('own')).toBe(1)
    const rolledBack = sql.begin(async (tx) => {
      await createCache(tx, { timeout: 60_000 }).set('own', 2)
      throw new Rollback()
    })
    await expect(rolledBack).rejects.toThrow(Rollback)
    expect(await cache.get('own')).toBe(1)
  })

  it('with PGlite writes and rolls back with it', async () => {
    const client = new PGlite()
    cleanup(() => client.close())
    await migrate(client)
    const outside = createCache(client, { timeout: 60_000 })
    await client.transaction(async (tx) => createCache(tx, { timeout: 60_000 }).set('own', 1))
    expect(await outside.get('own')).toBe(1)
    await client.transaction(async (tx) => {
      await createCache(tx, { timeout: 60_000 }).set('own', 2)
      await tx.rollback()
    })
    expect(await outside.get('own')).toBe(1)
  })

  it('calls no routine, because a missing one would abort the transaction', async () => {
    const bare = await createDatabase()
    await migrate(bare, { routines: false })
    const sql = postgres(bare, { prepare: false, onnotice: () => {} })
    cleanup(() => sql.end())
    await sql.begin(async (tx) => {
      const own = createCache(tx, { timeout: 60_000 })
      await own.set('key', 'kept')
      // Reads and claims in one statement, which is a routine outside of transactions.
      expect(await own.getOrSet('key', () => 'computed')).toBe('kept')
    })
  })
})

it('watchTables works over a client and over a connection string', async () => {
  await watchTables(pool, 'products')
  expect(await watchedTables(url)).toEqual([{ table: 'public.products', rows: false, relations: 1 }])
  await cache.set('watching', 1, { tags: ['table:public.products'] })
  await pool.query(UPDATE, ['new'])
  expect(await cache.get('watching')).toBeUndefined()
  await unwatchTables(url, 'products')
  expect(await watchedTables(pool)).toEqual([])
})
