/** Concurrent writers, readers and cleanups, while more than ten minutes seem to pass every few milliseconds. */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { expect, it } from 'vitest'
import { pause, times } from '../fill/clients.ts'
import { createLonelyDatabase, createPool } from '../setup/databases.ts'
import { passNotedTime } from './time.ts'

const COMMITS = 1_200
const KEYS = 5

it('no read returns data older than the last commit before its call, while the log is trimmed', async () => {
  const pool = createPool(await createLonelyDatabase(), { max: 30 })
  const db = drizzle(pool)
  await migrate(db)
  await pool.query('create table data (version int); insert into data values (0)')
  let committed = 0
  let isOver = false
  const version = async (): Promise<number> => (await pool.query('select version from data')).rows[0].version

  async function write() {
    for (let i = 0; i < COMMITS; i++) {
      await db.transaction(async (tx) => {
        if (i % 2 === 0) await createCache(tx, { timeout: 60_000 }).invalidate('data')
        await tx.execute(sql`update data set version = version + 1`)
        if (i % 3 === 0) await pause(i % 4)
        if (i % 2 === 1) await createCache(tx, { timeout: 60_000 }).invalidate('data')
      })
      committed = i + 1
      if (i % 5 === 0) await pause(2)
    }
    isOver = true
  }

  let reads = 0
  const check = (seen: number | undefined, known: number) => {
    if (seen === undefined) return
    if (seen < known) throw new Error(`Got version ${seen} after ${known} had been committed.`)
    reads++
  }
  async function fill(reader: number) {
    const cache = createCache(db, { timeout: 60_000 })
    for (let i = 0; !isOver; i++) {
      const [key, known] = [`key ${(reader + i) % KEYS}`, committed]
      const compute = async () => {
        const value = await version()
        await pause(i % 7)
        return value
      }
      check(await cache.getOrSet(key, compute, { tags: ['data'] }), known)
    }
  }
  // Its writes are as old as those of a long computation, and may arrive after the log was trimmed.
  async function writeLate(reader: number) {
    const cache = createCache(db, { timeout: 60_000 })
    for (let i = 0; !isOver; i++) {
      const key = `late ${(reader + i) % KEYS}`
      const asOf = await cache.snapshot()
      const value = await version()
      await pause((i * 7) % 40)
      await cache.set(key, value, { tags: ['data'], asOf })
    }
  }
  async function read() {
    const cache = createCache(db, { timeout: 60_000 })
    while (!isOver) {
      const known = committed
      for (const value of (await cache.getMany<number>(times(KEYS, (k) => `late ${k}`))).values()) check(value, known)
    }
  }
  const horizons = new Set<string>()
  async function cleanUp(batch: number) {
    const cache = createCache(db, { timeout: 60_000 })
    while (!isOver) {
      await cache.clearExpired({ batch })
      const { rows } = await pool.query("select value from cache_state where name = 'tag horizon'")
      for (const { value } of rows) horizons.add(value)
      await passNotedTime(db)
      await pause(3)
    }
  }

  await Promise.all([
    write(),
    ...times(4, fill),
    ...times(4, writeLate),
    ...times(2, read),
    ...[1, 3, 1_000].map((batch) => cleanUp(batch)),
  ])
  expect(reads).toBeGreaterThan(1_000)
  expect(horizons.size).toBeGreaterThan(10)
  // Nothing reads any more, so that cleanups can trim the rest.
  for (let i = 0; i < 3; i++) {
    await createCache(db, { timeout: 60_000 }).clearExpired()
    await passNotedTime(db)
  }
  const { rows } = await pool.query('select count(*)::int as count from cache_invalidations')
  expect(rows[0].count).toBe(0)
}, 400_000)
