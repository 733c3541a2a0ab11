/** The log of invalidations is trimmed, and no invalidated entry becomes valid again. */
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheEntries, expired } from 'pgstash/schema'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createLonelyDatabase, createPool } from '../setup/databases.ts'
import { passNotedTime } from './time.ts'

let pool: pg.Pool
let db: NodePgDatabase
let cache: Cache

beforeAll(async () => {
  pool = createPool(await createLonelyDatabase(), { max: 20 })
  db = drizzle(pool)
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
})
beforeEach(async () => {
  await pool.query('truncate cache_entries, cache_leases, cache_invalidations')
  await pool.query("delete from cache_state where name = 'tag horizon'")
  await pool.query("update cache_state set value = '{}' where name = 'tag cleanup'")
})

async function rows(text: string): Promise<number> {
  return Number((await pool.query(`select count(*) from ${text}`)).rows[0].count)
}
const logged = () => rows('cache_invalidations')
const stored = () => rows('cache_entries')

/** Runs as a cron trigger would, more than ten minutes apart. */
async function cleanUp(times = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    await cache.clearExpired()
    await passNotedTime(db)
  }
}

/** A separate connection with an open transaction. */
async function openTransaction(mode = '') {
  const client = await pool.connect()
  await client.query(`begin ${mode}`)
  const end = async (how: 'commit' | 'rollback') => {
    await client.query(how)
    client.release()
  }
  return { client, cache: createCache(drizzle(client), { timeout: 60_000 }), end }
}

describe('cleanup', () => {
  it('deletes and counts invalidated entries, whatever their deadline', async () => {
    await cache.setMany({ a: 1, b: 2 }, { tags: ['x'] })
    await cache.set('c', 3, { tags: ['y'] })
    await cache.set('d', 4)
    await cache.invalidate('x')
    expect(await cache.clearExpired()).toEqual({ removed: 2, more: false })
    expect([...(await cache.getMany(['a', 'b', 'c', 'd'])).keys()]).toEqual(['c', 'd'])
    expect(await stored()).toBe(2)
  })

  it('counts an entry once that is both expired and invalidated', async () => {
    await cache.set('key', 1, { tags: ['x'], expiration: 0 })
    await cache.invalidate('x')
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
  })

  it('deletes invalidated entries in batches, and continues after a time budget ended it', async () => {
    await cache.setMany(
      Array.from({ length: 250 }, (_, i) => [`key ${i}`, i]),
      { tags: ['x'] },
    )
    await cache.set('kept', 1, { tags: ['y'] })
    await cache.invalidate('x')
    const first = await cache.clearExpired({ batch: 100, timeBudget: 0 })
    expect(first).toEqual({ removed: 100, more: true })
    const progress: number[] = []
    expect(await cache.clearExpired({ batch: 100, onProgress: (n) => progress.push(n) })).toEqual({
      removed: 150,
      more: false,
    })
    expect(progress).toEqual([100, 150])
    expect(await cache.get('kept')).toBe(1)
  })

  it('deletes a row of the log ten minutes after it was recorded, and not earlier', async () => {
    await cache.set('key', 1, { tags: ['x'] })
    await cache.invalidate('x')
    await cache.clearExpired()
    await cache.clearExpired()
    expect(await logged()).toBe(1)
    await passNotedTime(db)
    await cache.clearExpired()
    expect(await logged()).toBe(0)
    expect(await cache.get('key')).toBe(undefined)
  })

  it('keeps valid entries, however old, and counters keep counting', async () => {
    await cache.set('old', 1, { tags: ['x', 'y'] })
    await cache.set('counter', 5, { tags: ['counters'] })
    for (let i = 0; i < 3; i++) {
      await cache.invalidate('z')
      await cleanUp()
      expect(await cache.increment('counter')).toBe(6 + i)
    }
    expect(await cache.get('old')).toBe(1)
    expect((await cache.limit('counter', { limit: 100, period: 60 })).count).toBe(9)
    await cache.invalidate('counters')
    expect(await cache.get('counter')).toBe(undefined)
    // The last row of `z`, and this one.
    expect(await logged()).toBe(2)
    await cache.invalidate('x')
    expect(await cache.get('old')).toBe(undefined)
  })

  it('for a namespace deletes its own invalidated entries, keeps the log, and takes one round', async () => {
    await cache.namespace('a').set('key', 1, { tags: ['x'] })
    await cache.namespace('b').set('key', 1, { tags: ['x'] })
    await cache.invalidate('x')
    for (let i = 0; i < 3; i++) {
      expect(await cache.namespace('a').clearExpired()).toEqual({ removed: i === 0 ? 1 : 0, more: false })
      await passNotedTime(db)
    }
    expect([await stored(), await logged()]).toEqual([1, 1])
    const many = Array.from({ length: 45 }, (_, i) => [`key ${i}`, 1] as const)
    await cache.namespace('b').setMany(many, { tags: ['x'] })
    await cache.invalidate('x')
    expect(await cache.namespace('b').clearExpired({ batch: 7 })).toEqual({ removed: 46, more: false })
  })

  it('keeps the log while an invalidated entry is locked, and trims it afterwards', async () => {
    await cache.set('key', 1, { tags: ['x'] })
    await cache.invalidate('x')
    const transaction = await openTransaction()
    await transaction.client.query("select from cache_entries where key = 'key' for update")
    await cleanUp(3)
    expect([await stored(), await logged()]).toEqual([1, 1])
    await transaction.end('commit')
    await cleanUp()
    expect([await stored(), await logged()]).toEqual([0, 0])
  })

  it('deletes an invalidated entry that is being computed, unless it was written since', async () => {
    await cache.set('key', 'old', { tags: ['x'] })
    await cache.invalidate('x')
    const computed = cache.getOrSet(
      'key',
      async () => {
        expect(await cache.clearExpired()).toMatchObject({ removed: 1 })
        return 'new'
      },
      { tags: ['x'] },
    )
    expect(await computed).toBe('new')
    expect(await cache.get('key')).toBe('new')

    await cache.invalidate('x')
    const overtaken = cache.getOrSet(
      'key',
      async () => {
        const asOf = await cache.snapshot()
        await cache.invalidate('y')
        await cache.set('key', 'rejected', { tags: ['y'], asOf })
        expect(await cache.clearExpired()).toMatchObject({ removed: 0 })
        return 'computed before'
      },
      { tags: ['x'] },
    )
    expect(await overtaken).toBe('computed before')
    expect(await cache.get('key')).toBe(undefined)
  })

  it('keeps the log if its own transaction looks finished only to its own snapshot', async () => {
    await cache.invalidate('x')
    await cleanUp()
    const transaction = await openTransaction()
    await transaction.client.query('select pg_current_xact_id()')
    await pool.query('select pg_current_xact_id()')
    await transaction.cache.clearExpired()
    await transaction.end('commit')
    expect(await logged()).toBe(1)
  })
})

describe('after the log was trimmed', () => {
  it('a fill that was open across two runs is refused', async () => {
    const answer = await cache.getOrSet(
      'key',
      async () => {
        await cache.invalidate('x')
        await cleanUp(2)
        expect(await logged()).toBe(0)
        return 'old data'
      },
      { tags: ['x'] },
    )
    expect(answer).toBe('old data')
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.getOrSet('key', 'new data', { tags: ['x'] })).toBe('new data')
    expect(await cache.get('key')).toBe('new data')
  })

  it('a tagged write as of an earlier snapshot is never served, and the next cleanup deletes it', async () => {
    const asOf = await cache.snapshot()
    await cache.invalidate('x')
    await cleanUp(2)
    expect(await logged()).toBe(0)
    await cache.set('set', 'old data', { tags: ['x'], asOf })
    await cache.setMany({ many: 'old data' }, { tags: ['x'], asOf })
    await cache.add('added', 'old data', { tags: ['x'], asOf })
    expect((await cache.getMany(['set', 'many', 'added'])).size).toBe(0)
    expect(await cache.increment('set')).toBe(1)
    expect(await cache.stats()).toMatchObject({ total: 3, expired: 2, forever: 1 })
    await cache.invalidate('y')
    await cache.clearExpired()
    expect(await stored()).toBe(1)
  })

  it('an entry from a transaction that was open across the runs is never served', async () => {
    const transaction = await openTransaction()
    const asOf = await transaction.cache.snapshot()
    await transaction.cache.set('key', 'old data', { tags: ['x'], asOf })
    await cache.invalidate('x')
    await cleanUp(3)
    // The open transaction held back the horizon, and so the log.
    expect(await logged()).toBe(1)
    await transaction.end('commit')
    expect(await cache.get('key')).toBe(undefined)
    await cleanUp(3)
    expect([await logged(), await stored()]).toEqual([0, 0])
  })

  it('an entry of old data that a transaction wrote during a run is never served', async () => {
    const asOf = await cache.snapshot()
    await cache.invalidate('x')
    await cache.setMany({ a: 1, b: 2, c: 3 }, { tags: ['z'] })
    await cleanUp()
    const transaction = await openTransaction()
    await cache.clearExpired({ batch: 1, timeBudget: 0 })
    await transaction.cache.set('A is looked at first', 'old data', { tags: ['x'], asOf })
    await cleanUp()
    await transaction.end('commit')
    expect(await cache.get('A is looked at first')).toBe(undefined)
    expect(await logged()).toBe(0)
  })

  it('an earlier reader sees its old data, and a later reader sees nothing', async () => {
    await cache.set('key', 1, { tags: ['x'] })
    const before = await openTransaction('isolation level repeatable read')
    expect(await before.cache.get('key')).toBe(1)
    await cache.invalidate('x')
    const between = await openTransaction('isolation level repeatable read')
    expect(await between.cache.get('key')).toBe(undefined)
    await cleanUp(3)
    expect(await before.cache.get('key')).toBe(1)
    expect(await between.cache.get('key')).toBe(undefined)
    expect(await cache.get('key')).toBe(undefined)
    await before.end('commit')
    await between.end('commit')
  })

  it('several concurrent runs end, and trim', async () => {
    await cache.setMany(
      Array.from({ length: 300 }, (_, i) => [`key ${i}`, i]),
      { tags: ['x'] },
    )
    await cache.invalidate('x')
    await cleanUp()
    await cache.setMany(
      Array.from({ length: 300 }, (_, i) => [`key ${i}`, i]),
      { tags: ['y'] },
    )
    await cache.invalidate(['y', 'z'])
    const runs = await Promise.all(
      Array.from({ length: 6 }, () => createCache(db, { timeout: 60_000 }).clearExpired({ batch: 10 })),
    )
    expect(runs.reduce((sum, { removed }) => sum + removed, 0)).toBe(300)
    await cleanUp(2)
    expect([await logged(), await stored()]).toEqual([0, 0])
  })
})

describe('in one transaction', () => {
  it('a write as of a snapshot before its own invalidation is rejected, even if the transaction looks finished to itself', async () => {
    const transaction = await openTransaction()
    await transaction.client.query('select pg_current_xact_id()')
    await pool.query('select pg_current_xact_id()')
    const asOf = await transaction.cache.snapshot()
    await transaction.cache.invalidate('x')
    await transaction.cache.set('key', 'read before', { tags: ['x'], asOf })
    await transaction.end('commit')
    expect(await cache.get('key')).toBe(undefined)
  })
})

describe('entries whose snapshot lies in the future', () => {
  beforeEach(async () => {
    await cache.setMany({ key: 1, other: 2 }, { tags: ['x'] })
    await db.execute(sql`update cache_entries set filled_at = '4000000000:4000000000:' where key = 'key'`)
  })

  it('are absent for every method', async () => {
    expect((await cache.getMany(['key', 'other'])).size).toBe(1)
    expect(await cache.touch('key', 60)).toBe(false)
    expect(await cache.get('key', { sliding: 60 })).toBe(undefined)
    expect(await db.select().from(cacheEntries).where(expired())).toHaveLength(1)
    expect(await cache.increment('key', 5)).toBe(5)
  })

  it('are replaced by add, ignored by pull, and deleted by cleanup', async () => {
    expect(await cache.pull('key')).toBe(undefined)
    await cache.set('key', 1, { tags: ['x'] })
    await db.execute(sql`update cache_entries set filled_at = '4000000000:4000000000:' where key = 'key'`)
    expect(await cache.add('key', 3)).toBe(true)
    expect(await cache.get('key')).toBe(3)
    await db.execute(sql`update cache_entries set filled_at = '4000000000:4000000000:' where key = 'other'`)
    await cache.invalidate('y')
    expect(await cache.clearExpired()).toMatchObject({ removed: 1 })
  })
})

describe('concurrent writes of tagged entries', () => {
  it('let exactly one of 20 adds win, in each of 100 rounds', async () => {
    for (let round = 0; round < 100; round++) {
      const won = await Promise.all(Array.from({ length: 20 }, (_, i) => cache.add(`add ${round}`, i, { tags: ['x'] })))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await cache.get(`add ${round}`)).toBe(won.indexOf(true))
    }
  })

  it('lose no increment of a counter', async () => {
    await cache.set('counter', 0, { tags: ['x'] })
    const sums = await Promise.all(
      Array.from({ length: 15 }, async () => {
        const own: number[] = []
        for (let i = 0; i < 40; i++) own.push(await cache.increment('counter'))
        return own
      }),
    )
    expect(new Set(sums.flat()).size).toBe(600)
    expect(await cache.get('counter')).toBe(600)
  })
})
