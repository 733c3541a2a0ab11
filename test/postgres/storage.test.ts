import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance } from '../setup/postgres-store.ts'

let pool: pg.Pool
let db: ReturnType<typeof drizzle>
let cache: Cache

beforeAll(async () => {
  // One connection, so that its statistics are sent at a known time.
  pool = createPool(await createDatabase(), { max: 1 })
  db = drizzle(pool)
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
})
beforeEach(async () => {
  await cache.clear()
  await pool.query('vacuum cache_entries')
})

async function one<T>(text: string): Promise<T> {
  const { rows } = await pool.query({ text, rowMode: 'array' })
  return rows[0]?.[0]
}

async function statistics() {
  await pool.query('select pg_stat_force_next_flush()')
  const { rows } = await pool.query(
    'select n_tup_upd::int as updates, n_tup_hot_upd::int as hot, seq_scan::int as "seqScans" from pg_stat_user_tables where relname = \'cache_entries\'',
  )
  return rows[0] as { updates: number; hot: number; seqScans: number }
}

/** Text that neither lz4 nor pglz compresses enough to stay out of TOAST. */
const incompressible = (length: number) =>
  Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('')

const names = Array.from({ length: 500 }, (_, i) => `key ${i}`)

describe('storage on a real server', () => {
  it('touches within a slot are heap-only updates: all of 500, and no index grows', async () => {
    // In the middle of a slot of ten minutes, so that one more second stays in it.
    const deadline = Math.floor((Date.now() + 3_600_000) / 600_000) * 600_000 + 300_000
    // Ten times as many entries as are touched. Each page has room for the new versions, so the count does not depend
    // on whether other transactions of the server delay pruning.
    const all = Array.from({ length: 5_000 }, (_, i) => `key ${i}`)
    await cache.setMany(
      all.map((name) => [name, { some: 'value' }]),
      { expiration: new Date(deadline) },
    )
    const touched = all.filter((_, i) => i % 10 === 0)
    const indexBytes = await one("select pg_indexes_size('cache_entries')")
    const before = await statistics()
    for (const name of touched) await cache.touch(name, new Date(deadline + 1_000))
    const after = await statistics()
    expect(after.updates - before.updates).toBe(500)
    expect(after.hot - before.hot).toBe(500)
    expect(await one("select pg_indexes_size('cache_entries')")).toBe(indexBytes)
  })

  it('a due sliding read of a long span writes the indexes once, and the value not at all', async () => {
    await cache.set('key', 'x'.repeat(5_000), { expiration: '1h' })
    const before = await statistics()
    await cache.get('key', { sliding: '2h' })
    const after = await statistics()
    expect({ updates: after.updates - before.updates, hot: after.hot - before.hot }).toEqual({ updates: 1, hot: 0 })
  })

  it('sliding reads write once, and then nothing until the slack is used up', async () => {
    await cache.setMany(
      names.map((name) => [name, 1]),
      { expiration: '1h' },
    )
    const readAll = async () => {
      const before = await statistics()
      for (const name of names) await cache.get(name, { sliding: '10h' })
      return (await statistics()).updates - before.updates
    }
    // The slack is two and a half hours.
    expect(await readAll()).toBe(500)
    await advance(db, 120 * 60_000)
    expect(await readAll()).toBe(0)
    await advance(db, 60 * 60_000)
    expect(await readAll()).toBe(500)
  })

  it('reads take no transaction id, including sliding reads that are not due', async () => {
    await cache.set('key', 1, { tags: ['x'], expiration: '1h' })
    const assigned = await db.transaction(async (tx) => {
      const reader = createCache(tx)
      await reader.get('key')
      await reader.get('key', { sliding: '30m' })
      await reader.get('none', { sliding: '30m' })
      await reader.getMany(['key', 'none'])
      await reader.has('key')
      await reader.expiration('key')
      await reader.count()
      await reader.stats()
      await reader.list()
      await reader.snapshot()
      const idle = await tx.execute(sql`select pg_current_xact_id_if_assigned()::text as xid`)
      await reader.get('key', { sliding: '2h' })
      const busy = await tx.execute(sql`select pg_current_xact_id_if_assigned()::text as xid`)
      return { idle: idle.rows[0]?.xid, busy: busy.rows[0]?.xid }
    })
    expect(assigned).toEqual({ idle: null, busy: expect.any(String) })
  })

  it('touching a value of 1 MB writes no TOAST chunk', async () => {
    const toast = await one<string>(
      "select reltoastrelid::regclass::text from pg_class where relname = 'cache_entries'",
    )
    const value = incompressible(1_000_000)
    await cache.set('big', value, { expiration: '1h' })
    const chunks = () =>
      one<string>(`select json_agg(array[ctid::text, xmin::text] order by chunk_id, chunk_seq)::text from ${toast}`)
    const before = await chunks()
    expect(JSON.parse(before).length).toBeGreaterThan(200)
    for (let i = 1; i <= 20; i++) await cache.touch('big', 3_600 + i)
    for (let i = 1; i <= 20; i++) expect(await cache.get('big', { sliding: 4_600 * i })).toBe(value)
    expect(await chunks()).toBe(before)
    // The same check on a write proves that it can tell the difference.
    await cache.set('big', value)
    expect(await chunks()).not.toBe(before)
  })

  it('operations on keys use the index, with generic plans', async () => {
    await cache.setMany(Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, 1]))
    await cache.namespace('app').setMany(Array.from({ length: 5_000 }, (_, i) => [`key ${i}`, 1]))
    await pool.query('vacuum analyze cache_entries')
    await pool.query("set plan_cache_mode = 'force_generic_plan'")
    const before = await statistics()
    const app = cache.namespace('app')
    for (const place of [cache, app]) {
      await place.get('key 1')
      await place.get('key 1', { sliding: 60 })
      await place.getMany(['key 1', 'key 2'])
      await place.has('key 1')
      await place.touch('key 1', '1h')
      await place.increment('key 1')
      await place.add('key 1', 1)
      await place.limit('new', { limit: 1, period: 60 })
      await place.expiration('key 1')
      await place.list({ limit: 10 })
      await place.list({ limit: 10, prefix: 'key 1' })
      await place.pull('key 2')
      await place.delete('key 3')
      await place.deleteMany(['key 4', 'key 5'])
      await place.clearExpired()
    }
    await app.count()
    await app.stats()
    await app.clear()
    expect((await statistics()).seqScans - before.seqScans).toBe(0)
    await pool.query('reset plan_cache_mode')
  })

  it('a stale window survives: touches keep its length, and cleanup waits for its end', async () => {
    const distance = () =>
      one<number>("select extract(epoch from kept_until - expires_at)::int from cache_entries where key = 'key'")
    const serveStale = () =>
      pool.query(
        "update cache_entries set kept_until = expires_at + interval '10 minutes', cleanup_slot = cleanup_slot + 1 where key = 'key'",
      )
    await cache.set('key', 1, { expiration: 60 })
    await serveStale()
    await cache.touch('key', 120)
    expect(await distance()).toBe(600)
    await cache.get('key', { sliding: '1h' })
    expect(await distance()).toBe(600)
    await advance(db, 2 * 3_600_000 - 600_000)
    expect(await cache.has('key')).toBe(false)
    await cache.set('key', 1, { expiration: 60 })
    await serveStale()
    await advance(db, 60_000)
    expect(await cache.has('key')).toBe(false)
    expect(await cache.clearExpired()).toEqual({ removed: 0, more: false })
    await advance(db, 600_000)
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
    // Deleted on purpose, so nothing stale remains.
    await cache.set('key', 1, { expiration: 60 })
    await serveStale()
    await cache.touch('key', 0)
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
  })

  it.each([[undefined], [['x']]])(
    'a limit does not shorten the endless stale window of a number, tags: %j',
    async (tags) => {
      await cache.getOrSet('key', () => 1, { expiration: '1h', stale: null, tags })
      await cache.limit('key', { limit: 5, period: 60 })
      expect(await one("select number || ' ' || (kept_until is null) from cache_entries where key = 'key'")).toBe(
        '2 true',
      )
    },
  )

  it('cleanup finds deletable entries through the slot index', async () => {
    await cache.setMany(
      Array.from({ length: 20_000 }, (_, i) => [`live ${i}`, 1]),
      { expiration: '1h' },
    )
    await cache.setMany(
      names.map((name) => [name, 1]),
      { expiration: 0 },
    )
    await pool.query('analyze cache_entries')
    const before = await statistics()
    expect(await cache.clearExpired()).toEqual({ removed: 500, more: false })
    expect((await statistics()).seqScans - before.seqScans).toBe(0)
  })
})

describe('keys and their order', () => {
  it('long keys take exactly 512 bytes, and end in their SHA-256', async () => {
    const key = 'é'.repeat(600)
    await cache.set(key, 1)
    expect(await one('select octet_length(key) from cache_entries')).toBe(512)
    expect(
      await one(
        `select right(key, 64) = encode(sha256(convert_to(repeat('é', 600), 'UTF8')), 'hex') from cache_entries`,
      ),
    ).toBe(true)
  })

  it('a leading U+FEFF is a character like any other', async () => {
    const long = `\uFEFF${'x'.repeat(600)}`
    const keys = ['\uFEFF', '\uFEFFa', 'a', long]
    await cache.setMany(keys.map((key, i) => [key, i]))
    expect([...(await cache.getMany(keys)).values()]).toEqual([0, 1, 2, 3])
    const lengths = await pool.query('select octet_length(key) as bytes from cache_entries order by 1 desc limit 1')
    expect(lengths.rows).toEqual([{ bytes: 512 }])
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await cache.list({ limit: 1, cursor })
      seen.push(...page.entries.map(({ key }) => key))
      cursor = page.cursor
    } while (cursor !== undefined && seen.length < 9)
    expect(seen.length).toBe(4)
    expect(new Set(seen).size).toBe(4)
  })

  it('the columns that operators query mean what the docs say', async () => {
    await cache.namespace('shop').set('user:42', 1, { expiration: 60, tags: ['b', 'a'] })
    const { rows } = await pool.query('select key, tags, expires_at = kept_until as same from cache_entries')
    expect(rows).toEqual([{ key: 'shop|user:42', tags: ['b', 'a'], same: true }])
  })
})

describe('in a database with a linguistic collation', () => {
  it('keys sort in byte order, and a namespace covers exactly its keys', async () => {
    const admin = createPool(inject('databaseUrl'), { max: 1 })
    const name = `pgstash_icu_${crypto.randomUUID().slice(0, 8)}`
    await admin.query(`create database ${name} template template0 locale_provider icu icu_locale 'en-US' locale 'C'`)
    cleanup(() => admin.query(`drop database ${name} with (force)`))
    const url = new URL(inject('databaseUrl'))
    url.pathname = `/${name}`
    const english = drizzle(createPool(url.href))
    await migrate(english)
    const own = createCache(english)
    await own.setMany({ b: 1, B: 1, a: 1, A: 1, _: 1, é: 1 })
    await own.namespace('a').set('x', 1)
    expect((await own.list()).entries.map(({ key }) => key)).toEqual(['A', 'B', '_', 'a', 'x', 'b', 'é'])
    expect((await own.list({ prefix: 'a' })).entries.map(({ key }) => key)).toEqual(['a'])
    expect(await own.namespace('a').clear()).toBe(1)
    expect(await own.count()).toBe(6)
    await own.invalidate('é')
  })
})
