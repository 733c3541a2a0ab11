/** What does an entry take on disk, and what does each operation write to the log? */
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'

const ROWS = 2_000
const REPEATS = 200
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SIZES = [10, 100, 1_000, 10_000, 100_000]

/** Text as values have it: words that repeat compress to about a third, random ones do not. */
const random = (length: number) =>
  Array.from({ length }, () => ALPHABET[Math.floor(Math.random() * ALPHABET.length)]).join('')
const words = Array.from({ length: 200 }, () => random(6))
const text = (length: number) => {
  let value = ''
  while (value.length < length) value += `${words[Math.floor(Math.random() * words.length)]} `
  return value.slice(0, length)
}

async function prepared(): Promise<{ pool: pg.Pool; cache: Cache }> {
  const pool = createPool(await createDatabase(), { max: 1 })
  const db = drizzle(pool)
  await migrate(db)
  return { pool, cache: createCache(db, { namespace: 'shop', timeout: 60_000 }) }
}

const one = async (pool: pg.Pool, query: string) =>
  Number((await pool.query({ text: query, rowMode: 'array' })).rows[0]?.[0])

/** Bytes of the write-ahead log that each call adds, without the full page images that follow a checkpoint. */
async function logged(pool: pg.Pool, work: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < REPEATS; i++) await work(i)
  const { rows } = await pool.query('select pg_current_wal_insert_lsn()::text as at')
  for (let i = 0; i < REPEATS; i++) await work(i)
  return (await one(pool, `select pg_current_wal_insert_lsn() - '${rows[0].at}'::pg_lsn`)) / REPEATS
}

it('bytes of an entry on disk, indexes included', async () => {
  for (const size of SIZES) {
    const { pool, cache } = await prepared()
    const rows = Math.min(ROWS, 20_000_000 / size)
    const before = await one(pool, `select pg_total_relation_size('cache_entries')`)
    const step = Math.max(1, Math.floor(2_000_000 / size))
    for (let at = 0; at < rows; at += step) {
      const length = Math.min(step, rows - at)
      await cache.setMany(
        Array.from({ length }, (_, i) => [`product:${at + i}`, text(size)]),
        { expiration: '1h' },
      )
    }
    const bytes = (await one(pool, `select pg_total_relation_size('cache_entries')`)) - before
    console.log(
      `  a value of ${size.toLocaleString('en')} characters: ${Math.round(bytes / rows).toLocaleString('en')} bytes`,
    )
  }
})

it('bytes of the write-ahead log for each operation', async () => {
  for (const size of SIZES) {
    const { pool, cache } = await prepared()
    // Another each time: of a value that stays, the server logs no more than that it was written.
    const values = Array.from({ length: 7 }, () => text(size))
    let n = 0
    const operations: Record<string, (i: number) => Promise<unknown>> = {
      'set, new': () => cache.set(`new:${n++}`, values[n % 7], { expiration: '1h' }),
      'set, again': (i) => cache.set('same', values[i % 7], { expiration: '1h' }),
      'set, again, 3 tags': (i) => cache.set('tagged', values[i % 7], { expiration: '1h', tags: ['a', 'b', 'c'] }),
      'getOrSet, a miss': () => cache.getOrSet(`computed:${n++}`, values[n % 7], { expiration: '1h' }),
      touch: () => cache.touch('same', '1h'),
      get: () => cache.get('same'),
    }
    const figures: string[] = []
    for (const [name, work] of Object.entries(operations)) {
      figures.push(`${name} ${Math.round(await logged(pool, work)).toLocaleString('en')}`)
    }
    console.log(`  a value of ${size.toLocaleString('en')} characters: ${figures.join(' · ')}`)
  }
  const { pool, cache } = await prepared()
  const others: Record<string, (i: number) => Promise<unknown>> = {
    increment: () => cache.increment('counter', 1, { expiration: '1h' }),
    limit: () => cache.limit('limit', { limit: 1_000_000, period: '1h' }),
    'invalidate, one tag': () => cache.invalidate('tag'),
  }
  for (const [name, work] of Object.entries(others)) {
    console.log(`  ${name}: ${Math.round(await logged(pool, work)).toLocaleString('en')}`)
  }
})
