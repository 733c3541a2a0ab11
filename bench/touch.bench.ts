/** What does a touch cost, against writing again, and against an index on the deadline itself? */
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'
import { atOnce, compare } from './measure.ts'

const ROWS = 20_000
const TOUCHES = 10_000
const CONNECTIONS = 8

async function prepared(index: string) {
  const pool = createPool(await createDatabase(), { max: CONNECTIONS })
  const db = drizzle(pool)
  await migrate(db)
  if (index !== '') await pool.query(`drop index cache_entries_cleanup_slot_idx; ${index}`)
  const cache = createCache(db, { timeout: 60_000 })
  await cache.setMany(
    Array.from({ length: ROWS }, (_, i) => [`key ${i}`, { some: 'value', i }]),
    { expiration: '1h' },
  )
  await pool.query('vacuum analyze cache_entries')
  return { pool, cache, wal: await position(pool), indexBytes: await indexes(pool) }
}

const one = async (pool: pg.Pool, text: string) => (await pool.query({ text, rowMode: 'array' })).rows[0]?.[0]
const position = (pool: pg.Pool): Promise<string> => one(pool, 'select pg_current_wal_insert_lsn()::text')
const indexes = async (pool: pg.Pool) => Number(await one(pool, "select pg_indexes_size('cache_entries')"))

it('random touches: slot of ten minutes against an index on expires_at', async () => {
  const slot = await prepared('')
  const exact = await prepared('create index on cache_entries (expires_at)')
  const touching = ({ cache }: typeof slot) => ({
    run: async () => {
      const keys = Array.from({ length: TOUCHES }, () => `key ${Math.floor(Math.random() * ROWS)}`)
      await atOnce(CONNECTIONS, keys, (key) => cache.touch(key, '1h'))
      return TOUCHES
    },
  })
  await compare('random touches of 20,000 rows, 8 connections', [
    { name: 'index on expires_at', ...touching(exact) },
    { name: 'index on the slot (pgstash)', ...touching(slot) },
  ])
  for (const [name, { pool, indexBytes }] of Object.entries({
    'index on expires_at': exact,
    'index on the slot': slot,
  })) {
    await pool.query('select pg_stat_force_next_flush()')
    const hot = await one(
      pool,
      "select round(100.0 * n_tup_hot_upd / n_tup_upd, 1) from pg_stat_user_tables where relname = 'cache_entries'",
    )
    console.log(`  ${name}: ${hot} % heap-only, indexes grew ×${((await indexes(pool)) / indexBytes).toFixed(2)}`)
  }
})

it('a value of 1 MB: touch against set', async () => {
  let calls = 0
  const { pool, cache } = await prepared('')
  const value = Array.from({ length: 1_000_000 }, () => String.fromCharCode(35 + Math.floor(Math.random() * 56))).join(
    '',
  )
  await cache.set('big', value, { expiration: '1h' })
  await compare('a value of 1 MB, one connection', [
    { name: 'set', run: () => cache.set('big', value, { expiration: '1h' }).then(() => 1) },
    { name: 'touch', run: () => cache.touch('big', '1h').then(() => 1) },
  ])
  for (const [name, work] of Object.entries({
    set: () => cache.set('big', value, { expiration: '1h' }),
    touch: () => cache.touch('big', '1h'),
    // Always due, and always into another slot: what a sliding read writes once in a quarter of its span.
    'sliding read that is due': () => cache.get('big', { sliding: 7_200 * (2 + calls++) }),
  })) {
    await pool.query('checkpoint')
    await cache.touch('big', '1h')
    const before = await position(pool)
    for (let i = 0; i < 10; i++) await work()
    const bytes = Number(await one(pool, `select pg_current_wal_insert_lsn() - '${before}'::pg_lsn`)) / 10
    console.log(`  ${name}: ${Math.round(bytes).toLocaleString('en')} bytes of WAL each`)
  }
})
