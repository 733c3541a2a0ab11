/** What do tags cost a read, what does a watched table cost a write, and does the log stay bounded? */
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'
import { passNotedTime } from '../test/tags/time.ts'
import { atOnce, compare } from './measure.ts'

const GETS = 4_000
const CONNECTIONS = 8

const one = async (pool: pg.Pool, text: string) => (await pool.query({ text, rowMode: 'array' })).rows[0]?.[0]

async function prepared() {
  const pool = createPool(await createDatabase(), { max: CONNECTIONS })
  const db = drizzle(pool)
  await migrate(db)
  return { pool, db, cache: createCache(db, { timeout: 60_000 }) }
}

it('reads: untagged against one and three tags, with 100,000 rows in the log and after it was trimmed', async () => {
  const { pool, db, cache } = await prepared()
  const range = Array.from({ length: GETS }, (_, i) => i)
  const write = (name: string, tags: string[]) =>
    cache.setMany(
      range.map((i) => [`${name} ${i}`, { some: 'value' }]),
      { tags },
    )
  await write('none', [])
  await write('one', ['a'])
  await write('three', ['a', 'b', 'c'])
  const variants = ['none', 'one', 'three'].map((name) => ({
    name: `${name === 'none' ? 'no' : name} tag${name === 'one' ? '' : 's'}`,
    run: async () => {
      await atOnce(CONNECTIONS, range, (i) => cache.get(`${name} ${i}`))
      return GETS
    },
  }))
  await pool.query(
    "insert into cache_invalidations (tag, xid) select 'other ' || i, '5' from generate_series(1, 100000) i",
  )
  await pool.query('vacuum analyze')
  await compare('hits over TCP, 8 connections, a log of 100,000 rows', variants)
  for (let i = 0; i < 3; i++) {
    await cache.clearExpired()
    await passNotedTime(db)
  }
  await compare('the same, the log trimmed: what is older than the horizon', variants)
})

it('a million invalidations: the log is as large as what came since the last runs of cleanup', async () => {
  const { pool, db, cache } = await prepared()
  await cache.setMany(
    Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, i]),
    { tags: ['kept'] },
  )
  let most = 0
  let bytes = 0
  let cleaning = 0
  for (let part = 0; part < 20; part++) {
    for (let i = 0; i < 10; i++) {
      await cache.invalidate(Array.from({ length: 5_000 }, (_, k) => `row:${part}:${i}:${k}`))
    }
    const startedAt = performance.now()
    await cache.clearExpired()
    cleaning += performance.now() - startedAt
    await passNotedTime(db)
    most = Math.max(most, Number(await one(pool, 'select count(*) from cache_invalidations')))
    bytes = Math.max(bytes, Number(await one(pool, "select pg_total_relation_size('cache_invalidations')")))
  }
  for (let i = 0; i < 2; i++) await cache.clearExpired().then(() => passNotedTime(db))
  const left = await one(pool, 'select count(*) from cache_invalidations')
  console.log(
    `\n1,000,000 rows, cleanup after each 50,000: at most ${most.toLocaleString('en')} rows and ` +
      `${Math.round(bytes / 1e6)} MB with the index; ${left} left; ${Math.round(cleaning / 20)} ms a cleanup`,
  )
})

it('cleanup of 500,000 tagged entries', async () => {
  const { pool, db, cache } = await prepared()
  await pool.query(`insert into cache_entries (key, value, tags, filled_at, written_by)
    select 'key ' || md5(i::text), repeat('v', 200), array['t' || i % 1000, 'u' || i, 'w' || i % 50],
      pg_current_snapshot(), pg_current_xact_id() from generate_series(1, 500000) i`)
  await pool.query('vacuum analyze cache_entries')
  await cache.invalidate('t7')
  for (const what of ['first run', 'second run, which trims', 'third run']) {
    const startedAt = performance.now()
    const { removed } = await cache.clearExpired()
    console.log(`  ${what}: ${removed} removed in ${Math.round(performance.now() - startedAt)} ms`)
    await passNotedTime(db)
    if (what !== 'first run') await cache.invalidate('nothing has this')
  }
})

it('writes: a plain table against a watched one, with and without rows', async () => {
  const { pool, db, cache } = await prepared()
  const names = ['plain', 'watched', 'watched_rows', 'plain_wide', 'wide', 'wide_rows']
  for (const name of names) {
    await pool.query(`create table ${name} (id int primary key, name text, n int)`)
    await pool.query(`insert into ${name} select i, repeat('x', 100), 0 from generate_series(1, 20000) i`)
  }
  await watchTables(db, ['watched', 'wide'])
  await watchTables(db, ['watched_rows', 'wide_rows'], { rows: true })
  const updates = 3_000
  const one = (name: string) => async () => {
    const ids = Array.from({ length: updates }, (_, i) => 1 + ((i * 7) % 20_000))
    const text = `update ${name} set n = n + 1 where id = $1`
    await atOnce(CONNECTIONS, ids, (id) => pool.query({ name, text, values: [id] }))
    await cache.clearExpired()
    await passNotedTime(db)
    return updates
  }
  await compare('updates of one row, 8 connections, each its own transaction', [
    { name: 'a plain table', run: one('plain') },
    { name: 'watched', run: one('watched') },
    { name: 'watched with rows', run: one('watched_rows') },
  ])
  const many = (name: string) => async () => {
    for (let i = 0; i < 5; i++)
      await pool.query(`update ${name} set n = n + 1 where id between ${i * 1000 + 1} and ${i * 1000 + 1000}`)
    return 5_000
  }
  await compare('rows in updates of 1,000', [
    { name: 'a plain table', run: many('plain_wide') },
    { name: 'watched', run: many('wide') },
    { name: 'watched with rows', run: many('wide_rows') },
  ])
})
