import { neon, neonConfig } from '@neondatabase/serverless'
import { Cache as DrizzleCache } from 'drizzle-orm/cache/core'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle } from 'drizzle-orm/node-postgres'
import { PgDialect, withReplicas } from 'drizzle-orm/pg-core'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { describe, expect, it, vi } from 'vitest'
import { bindStatement } from '../../src/postgres/drivers/bind.ts'
import type { Operation } from '../../src/postgres/operation.ts'
import { readOne } from '../../src/postgres/operations/read-one.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { freePort } from '../setup/free-port.ts'
import { createNeon } from '../setup/neon.ts'

async function useEverything(cache: Cache): Promise<void> {
  await cache.set('a', 1, { expiration: 60, tags: ['x'] })
  await cache.setMany({ b: { n: 1 }, c: 'x' })
  await cache.get('a')
  await cache.get('a', { sliding: 600 })
  await cache.getMany(['a', 'b'])
  await cache.has('a')
  await cache.add('d', 1)
  await cache.touch('d', 60)
  await cache.increment('d')
  await cache.limit('e', { limit: 1, period: 60 })
  await cache.pull('d')
  await cache.delete('a')
  await cache.deleteMany(['b'])
  await cache.count()
  await cache.stats()
  await cache.list()
  await cache.expiration('c')
  await cache.invalidate('x')
  await cache.snapshot()
  await cache.clearExpired()
  await cache.clear()
}

describe('prepared statements', () => {
  const names = 'select name from pg_prepared_statements order by name'

  it('have names derived from their text, the same for every cache and namespace of a connection', async () => {
    const pool = createPool(await createDatabase(), { max: 1 })
    const db = drizzle(pool)
    await migrate(db)
    await useEverything(createCache(db))
    const first = (await pool.query(names)).rows
    expect(first.length).toBeGreaterThan(15)
    for (const { name } of first) expect(name).toMatch(/^pgstash_[0-9a-f]{24}$/)
    await useEverything(createCache(db))
    expect((await pool.query(names)).rows).toEqual(first)
    // A namespace has two different statements: without one, they need not cover the whole table.
    await useEverything(createCache(db).namespace('app'))
    expect((await pool.query(names)).rows.length).toBe(first.length + 2)
  })

  it('have no names if a pooler could not keep them', async () => {
    const pool = createPool(await createDatabase(), { max: 1 })
    const db = drizzle(pool)
    await migrate(db)
    await useEverything(createCache(db, { preparedNames: false }))
    expect((await pool.query(names)).rows).toEqual([])
  })
})

describe('a Drizzle database object of the user', () => {
  it('may have a Drizzle cache, which the cache neither reads nor updates', async () => {
    const calls: string[] = []
    class Recording extends DrizzleCache {
      override strategy = () => 'all' as const
      override get = async () => {
        calls.push('get')
        return undefined
      }
      override put = async () => {
        calls.push('put')
      }
      override onMutate = async () => {
        calls.push('onMutate')
      }
    }
    const db = drizzle(createPool(await createDatabase()), { cache: new Recording() })
    await migrate(db)
    await useEverything(createCache(db))
    expect(calls).toEqual([])
  })

  it('may have read replicas: all statements go to the primary', async () => {
    const primary = drizzle(createPool(await createDatabase()))
    await migrate(primary)
    const nowhere = drizzle(createPool(`postgresql://user@127.0.0.1:${await freePort()}/none`))
    await useEverything(createCache(withReplicas(primary, [nowhere])))
  })

  it('may have an auth token, which is sent along', async () => {
    const { server } = await createNeon(await createDatabase())
    await migrate(drizzleNeon(neon(server.connectionString)))
    const tokens: unknown[] = []
    neonConfig.fetchFunction = (url: string, options: RequestInit) => {
      tokens.push(new Headers(options.headers).get('authorization'))
      return fetch(url, options)
    }
    try {
      const db = drizzleNeon(neon(server.connectionString))
      await createCache(db).get('key')
      await createCache(db.$withAuth('a.token')).get('key')
    } finally {
      neonConfig.fetchFunction = undefined
    }
    expect(tokens).toEqual([null, 'Bearer a.token'])
  })

  it('may be a transaction, whose rollback undoes the writes of the cache', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const cache = createCache(db)
    await cache.set('tagged', 1, { tags: ['x'] })
    await db
      .transaction(async (tx) => {
        const inside = createCache(tx)
        await inside.set('key', 1)
        await inside.invalidate('x')
        expect(await inside.get('key')).toBe(1)
        expect(await inside.get('tagged')).toBe(undefined)
        expect(await cache.get('key')).toBe(undefined)
        tx.rollback()
      })
      .catch(() => {})
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.get('tagged')).toBe(1)
  })
})

describe('statements over HTTP and through a pool of pg', () => {
  it('are not written by Drizzle', async () => {
    const { db } = await createNeon(await createDatabase())
    const overPool = drizzle(createPool(await createDatabase()))
    for (const each of [db, overPool]) await migrate(each)
    const prepares = [db, overPool].map((each) =>
      vi.spyOn(Object.getPrototypeOf(Reflect.get(each, 'session')), 'prepareQuery'),
    )
    const writes = vi.spyOn(PgDialect.prototype, 'sqlToQuery')
    for (const each of [db, overPool]) await useEverything(createCache(each, { tables: cacheTables() }))
    for (const spy of [...prepares, writes]) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
  })

  it('are written once per process for each set of tables', () => {
    const [one, other] = [namesOf(cacheTables()), namesOf(cacheTables())]
    const operation = readOne as unknown as Operation<never>
    expect(bindStatement(one, operation, 'last cell')).toBe(bindStatement(one, operation, 'last cell'))
    expect(bindStatement(other, operation, 'last cell')).not.toBe(bindStatement(one, operation, 'last cell'))
  })
})

describe('a new cache for each request', () => {
  const connect = async () => {
    const db = drizzle(createPool(await createDatabase(), { max: 1 }))
    await migrate(db)
    return db
  }

  it('reads and writes the database that it was created with', async () => {
    const [one, other] = [createCache(await connect()), createCache(await connect())]
    await one.set('key', 'one')
    await other.set('key', 'other')
    expect([await one.get('key'), await other.get('key')]).toEqual(['one', 'other'])
  })
})
