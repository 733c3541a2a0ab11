/** Writes in a transaction that is still open: a value computed meanwhile must not survive the commit. */
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type Cache, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { pause, times } from './clients.ts'

let db: NodePgDatabase
let pool: pg.Pool
let cache: Cache

beforeAll(async () => {
  pool = createPool(await createDatabase(), { max: 30 })
  db = drizzle(pool)
  await migrate(db)
  await pool.query('create table data (version int)')
})
beforeEach(async () => {
  await pool.query('truncate cache_entries, cache_leases, cache_invalidations, data; insert into data values (0)')
  cache = cacheOn(db)
})

/** A timeout long enough for a busy machine. */
function cacheOn(on: Database): Cache {
  return createCache(on, { timeout: 60_000 })
}

/** The input of computations: the committed data. */
async function version(): Promise<number> {
  return (await pool.query('select version from data')).rows[0].version
}

/** Changes the data and the cache in one transaction, which stays open until the returned function ends it. */
async function openTransaction(change: (cache: Cache) => Promise<unknown>) {
  let end = (_rollBack: boolean) => {}
  let hasChanged = () => {}
  const changed = new Promise<void>((resolve) => (hasChanged = resolve))
  const done = db
    .transaction(async (tx) => {
      await tx.execute(sql`update data set version = version + 1`)
      await change(cacheOn(tx))
      const ended = new Promise<boolean>((resolve) => (end = resolve))
      hasChanged()
      if (await ended) tx.rollback()
    })
    .catch(() => {})
  await changed
  return {
    commit(): Promise<unknown> {
      end(false)
      return done
    },
    rollBack(): Promise<unknown> {
      end(true)
      return done
    },
  }
}

const CHANGES: Record<string, (cache: Cache) => Promise<unknown>> = {
  delete: (c) => c.delete('key'),
  deleteMany: (c) => c.deleteMany(['key', 'other']),
  pull: (c) => c.pull('key'),
  set: (c) => c.set('key', 'written'),
  setMany: (c) => c.setMany({ key: 'written', other: 1 }),
  'set with a deadline that has passed': (c) => c.set('key', 'written', { expiration: 0 }),
  add: (c) => c.add('key', 'written'),
  increment: (c) => c.increment('key'),
  invalidate: (c) => c.invalidate('tag'),
}
const OPTIONS = { tags: ['tag'] }

describe.each(Object.entries(CHANGES))('a %s in an open transaction', (_name, change) => {
  it.each(['nothing', 'a free lease'])(
    'makes a value computed meanwhile invalid after the commit, over %s',
    async (before) => {
      if (before === 'a free lease') {
        await cache.getOrSet('key', 1)
        await cache.delete('key')
      }
      const transaction = await openTransaction(change)
      const meanwhile = cache.getOrSet<unknown>('key', version, OPTIONS)
      await pause(50)
      await transaction.commit()
      await meanwhile
      expect(await cache.getOrSet<unknown>('key', version, OPTIONS)).not.toBe(0)
    },
  )

  it('prevents storing a value computed across the commit', async () => {
    let hasRead = () => {}
    let end = () => {}
    const read = new Promise<void>((resolve) => (hasRead = resolve))
    const computing = cache.getOrSet<unknown>(
      'key',
      async () => {
        const seen = await version()
        hasRead()
        await new Promise<void>((resolve) => (end = resolve))
        return seen
      },
      OPTIONS,
    )
    await read
    const transaction = await openTransaction(change)
    end()
    await pause(50)
    await transaction.commit()
    expect(await computing).toBe(0)
    expect(await cache.getOrSet<unknown>('key', version, OPTIONS)).not.toBe(0)
  })

  it('has no effect after a rollback', async () => {
    const transaction = await openTransaction(change)
    const meanwhile = cache.getOrSet<unknown>('key', version, OPTIONS)
    await pause(20)
    await transaction.rollBack()
    expect(await meanwhile).toBe(0)
    expect(await cache.getOrSet<unknown>('key', () => 'computed', OPTIONS)).toEqual(expect.anything())
    expect(await version()).toBe(0)
  })
})

describe('getOrSet', () => {
  it('inside a transaction reads, computes a missing value, and blocks no other caller', async () => {
    await cache.set('there', 1)
    await db.transaction(async (tx) => {
      const inside = cacheOn(tx)
      expect(await inside.getOrSet('there', 2)).toBe(1)
      expect(await inside.getOrSet('key', 'uncommitted')).toBe('uncommitted')
      expect(await cache.getOrSet('key', 'of another')).toBe('of another')
    })
    expect(await cache.get('key')).toBe('of another')
  })

  it('never returns data older than the last commit before its call', async () => {
    let committed = 0
    let isOver = false
    const clients = times(6, () => cacheOn(db))
    const remove: ((c: Cache) => Promise<unknown>)[] = [
      (c) => c.delete('key'),
      (c) => c.invalidate('tag'),
      (c) => c.deleteMany(['a', 'key']),
      (c) => c.pull('key'),
      (c) => c.set('key', -1, { expiration: 0 }),
    ]
    const writer = async () => {
      for (let i = 0; i < 2_000; i++) {
        await db.transaction(async (tx) => {
          const inside = cacheOn(tx)
          // Before or after the change of data: both are in one transaction.
          if (i % 2 === 0) await remove[i % remove.length]?.(inside)
          await tx.execute(sql`update data set version = version + 1`)
          if (i % 3 === 0) await pause(i % 4)
          if (i % 2 === 1) await remove[i % remove.length]?.(inside)
        })
        committed = i + 1
        if (i % 5 === 0) await pause(2)
      }
      isOver = true
    }
    let answers = 0
    const reader = async (client: Cache, r: number) => {
      const options = { ...OPTIONS, ...(r % 2 === 0 ? { stale: 60, expiration: '3ms' as const } : {}) }
      while (!isOver) {
        const known = committed
        const seen = await client.getOrSet(
          'key',
          async () => {
            const value = await version()
            if (r % 3 === 0) await pause(r)
            return value
          },
          options,
        )
        if (seen < known) throw new Error(`Got version ${seen} after ${known} had been committed.`)
        answers++
      }
    }
    await Promise.all([writer(), ...clients.flatMap((client, c) => [reader(client, c), reader(client, c + 1)])])
    expect(answers).toBeGreaterThan(1_000)
  }, 300_000)
})
