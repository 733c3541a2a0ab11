/**
 * TTLs in a transaction of the caller count from each statement. With `now()` they would count from the start of the
 * transaction.
 */
import { sql } from 'drizzle-orm'
import { type Cache, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { connectors } from '../setup/drivers.ts'

/** How long the transaction is open before the first call of the cache. */
const SPENT_MS = 1_500

interface Transactional extends Database {
  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T>
}

const { 'neon-http': _, ...withTransactions } = connectors

/** The keys whose 1.4 seconds count from the statement that wrote them. `now()` is the start of the transaction. */
async function keysFromTheWrite(tx: Database): Promise<string[]> {
  const rows = await tx.execute(sql`select key from cache_entries
    where expires_at >= now() + interval '2.9 seconds' and expires_at < now() + interval '1 hour' order by key`)
  return ('rows' in Object(rows) ? (rows as { rows: object[] }).rows : (rows as object[])).map((row) =>
    Reflect.get(row, 'key'),
  )
}

describe.each(Object.entries(withTransactions))('late in a transaction over %s', (_name, connect) => {
  /** Runs `work` in a transaction that has been open for a while, and returns a cache outside of it. */
  async function late<T>(work: (cache: Cache, tx: Database) => Promise<T>): Promise<{ cache: Cache; result: T }> {
    const db = (await connect(await createDatabase())) as Transactional
    await migrate(db)
    const result = await db.transaction(async (tx) => {
      await tx.execute(sql`select pg_sleep(${SPENT_MS / 1_000}::float8)`)
      return work(createCache(tx, { timeout: 60_000 }), tx)
    })
    return { cache: createCache(db, { timeout: 60_000 }), result }
  }

  it('a short TTL counts from the write', async () => {
    const { result } = await late(async (own, tx) => {
      await own.set('set', 1, { expiration: 1.4 })
      await own.setMany({ many: 1, others: 2 }, { expiration: 1.4 })
      await own.add('add', 1, { expiration: 1.4 })
      await own.increment('counter', 1, { expiration: 1.4 })
      await own.set('touched', 1, { expiration: '1h' })
      expect(await own.touch('touched', 1.4)).toBe(true)
      return keysFromTheWrite(tx)
    })
    expect(result).toEqual(['add', 'counter', 'many', 'others', 'set', 'touched'])
  })

  it('a window of a limit counts from the call', async () => {
    const { result } = await late(async (own, tx) => {
      expect(await own.limit('key', { limit: 1, period: 1.4 })).toMatchObject({ allowed: true, count: 1 })
      return keysFromTheWrite(tx)
    })
    expect(result).toEqual(['key'])
  })

  it('an entry that expires meanwhile is absent', async () => {
    const { result } = await late(async (own) => {
      await own.set('key', 1, { expiration: 0.001 })
      await new Promise((resolve) => setTimeout(resolve, 5))
      return own.get('key')
    })
    expect(result).toBe(undefined)
  })
})
