/** How a cache behaves on a server whose disk is full, and how operators recover: docs/guides/production.md. */
import { readFile } from 'node:fs/promises'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type CacheEvent, type CacheOptions, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { startServer } from '../setup/server.ts'
import { mountSmallDisk, type SmallDisk } from '../setup/small-disk.ts'

const EXPIRED = 20_000
const FULL = { code: 'DATABASE', sqlState: '53100' }

let disk: SmallDisk | undefined
let pool: pg.Pool
let url: string
const databases: Record<string, () => Promise<Database>> = {
  'neon-http': async () => (await createNeon(url)).db,
  'node-postgres': async () => drizzlePg({ client: pool }),
}

beforeAll(async () => {
  // Only the tables of the database are on the small disk. A server without room for its WAL stops at once.
  disk = await mountSmallDisk(64)
  if (disk === undefined) return
  const server = await startServer(['autovacuum=off'])
  cleanup(server.stop)
  const admin = createPool(server.url)
  await admin.query(`create tablespace small location '${disk.folder}'`)
  await admin.query('create database small tablespace small')
  url = Object.assign(new URL(server.url), { pathname: '/small' }).href
  pool = createPool(url)
  await migrate(drizzlePg({ client: pool }))
  await fillTables(pool, disk)
})

describe.runIf(process.getuid?.() === 0 && process.platform === 'linux')('with a full disk', () => {
  for (const [name, connect] of Object.entries(databases)) {
    describe(`over ${name}`, () => {
      const cacheOf = async (options?: CacheOptions) => createCache(await connect(), { timeout: 60_000, ...options })

      it('answers hits, including due sliding reads', async ({ skip }) => {
        if (disk === undefined) return skip()
        const cache = await cacheOf()
        expect(await cache.get('live')).toBe('value')
        expect(await cache.getOrSet('live', () => 'computed')).toBe('value')
        expect(await cache.get('live', { sliding: '2h' })).toBe('value')
        expect(await cache.getOrSet('live', () => 'computed', { sliding: true, expiration: '2h' })).toBe('value')
      })

      it('computes a miss of getOrSet once for all callers, stores nothing, and reports why', async ({ skip }) => {
        if (disk === undefined) return skip()
        const events: CacheEvent[] = []
        const cache = await cacheOf({ onEvent: (event) => events.push(event) })
        let computed = 0
        const calls = Array.from({ length: 5 }, () => cache.getOrSet('missing', () => `value ${++computed}`))
        expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => 'value 1'))
        expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ operation: 'getOrSet', error: FULL }])
        expect(events.filter(({ type }) => type === 'refuse')).toMatchObject([{ reason: 'alone' }])
        expect(await cache.get('missing')).toBe(undefined)
      })

      it('rejects a write of a new key, or drops it with onError: miss', async ({ skip }) => {
        if (disk === undefined) return skip()
        const large = Array.from({ length: 3_000 }, () => crypto.randomUUID()).join()
        await expect((await cacheOf()).set('new', large)).rejects.toMatchObject(FULL)
        await expect((await cacheOf({ onError: 'miss' })).set('new', large)).resolves.toBe(undefined)
      })
    })
  }

  it('deletes expired entries with clearExpired', async ({ skip }) => {
    if (disk === undefined) return skip()
    const cache = createCache(drizzlePg({ client: pool }), { timeout: 60_000 })
    expect(await cache.clearExpired()).toMatchObject({ removed: EXPIRED, more: false })
    // Vacuum gives the pages at the end of the table back to the disk.
    await pool.query('vacuum cache_entries')
    await cache.set('new', 'value')
    expect(await cache.get('new')).toBe('value')
  })

  it('needs room for a plain truncate, but not for the documented one', async ({ skip }) => {
    if (disk === undefined) return skip()
    await disk.fill()
    await expect(pool.query('truncate cache_entries, cache_leases')).rejects.toMatchObject({ code: '53100' })
    const docs = await readFile(new URL('../../docs/guides/production.md', import.meta.url), 'utf8')
    const [, runbook = ''] = /\*\*The disk is full\.\*\*.*?```sql\n(.*?)```/s.exec(docs) ?? []
    expect(runbook).toContain('truncate')
    for (const statement of runbook.split(';').filter((text) => text.trim() !== '')) await pool.query(statement)
    const cache = createCache(drizzlePg({ client: pool }), { timeout: 60_000 })
    expect(await cache.getOrSet('key', () => 'computed', { expiration: 60 })).toBe('computed')
    expect(await cache.get('key')).toBe('computed')
    expect(await cache.clearExpired()).toMatchObject({ more: false })
  })
})

/** Leaves expired and live entries on a disk without room, and no room in the pages of leases either. */
async function fillTables(pool: pg.Pool, { fill }: SmallDisk): Promise<void> {
  const cache = createCache(drizzlePg({ client: pool }))
  await pool.query(`insert into cache_entries (key, value, expires_at, kept_until)
    select 'expired ' || n, to_json(repeat(md5(n::text), 10)), now() - interval '1 h', now() - interval '1 h'
    from generate_series(1, ${EXPIRED}) as n`)
  await cache.set('live', 'value', { expiration: '1h' })
  // Autovacuum does the same: it creates the files that a vacuum needs.
  await pool.query('vacuum cache_entries')
  await fill()
  for (let failures = 0; failures < 20; ) {
    failures += await pool
      .query("insert into cache_leases (key, expires_at) values (gen_random_uuid()::text, now() + interval '1 day')")
      .then(
        () => 0,
        () => 1,
      )
  }
}
