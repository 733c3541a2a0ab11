/** How a first tier learns of writes by others: with its own reads, or through a listening connection. */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import {
  type Cache,
  createCache,
  type Listening,
  type ListeningClient,
  listen,
  memoryCache,
  tieredCache,
} from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheChanges, cacheTables } from 'pgstash/schema'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, pause, type Site } from '../fill/clients.ts'
import { createLonelyDatabase, createPool } from '../setup/databases.ts'
import { emptyTables } from '../setup/postgres-store.ts'
import { overStore } from './under.ts'

const CHANNEL = 'Cache "events"'

let site: Site
let pool: pg.Pool
beforeAll(async () => {
  // Alone on its server, because a transaction elsewhere on it would hold back the trimming of the log.
  site = await createSite(await createLonelyDatabase())
  pool = createPool(site.database)
})
beforeEach(async () => {
  await emptyTables(site.db)
  await site.db.execute(sql`truncate cache_changes`)
  await site.db.execute(sql`delete from cache_state where name = 'changes'`)
  site.faults.reset()
})

const logged = async () =>
  (await pool.query(`select kind || ' ' || name as change from cache_changes order by kind, name`)).rows.map(
    ({ change }) => change,
  )

/** Every way in which another process changes a key with a copy. */
const CHANGES: [string, (other: Cache) => Promise<unknown>, unknown][] = [
  ['set', (other) => other.set('key', 'new'), 'new'],
  ['setMany', (other) => other.setMany({ key: 'new', more: 1 }), 'new'],
  ['increment', (other) => other.set('key', 1).then(() => other.increment('key')), 2],
  ['delete', (other) => other.delete('key'), undefined],
  ['deleteMany', (other) => other.deleteMany(['key']), undefined],
  ['pull', (other) => other.pull('key'), undefined],
  ['clear', (other) => other.clear(), undefined],
  ['invalidate', (other) => other.invalidate('tag'), undefined],
  ['touch into the past', (other) => other.touch('key', 0), undefined],
  ['a fill', (other) => other.delete('key').then(() => other.getOrSet('key', 'filled')), 'filled'],
  ['a transaction', (other) => inTransaction(other), 'new'],
  ['truncate', () => pool.query('truncate cache_entries'), undefined],
  ['psql', () => pool.query(`delete from cache_entries where key like '%key'`), undefined],
]

async function inTransaction(_other: Cache): Promise<void> {
  await drizzle(pool).transaction(async (tx) => {
    const cache = createCache(tx, { namespace: 'shop' })
    await cache.set('key', 'newer')
    await cache.set('key', 'new')
  })
}

describe('a read with changes enabled', () => {
  beforeAll(() => migrate(site.db, { changes: true }))
  let reader: Cache
  let other: Cache
  beforeEach(async () => {
    other = site.client({ namespace: 'shop' })
    reader = tieredCache({
      l1: memoryCache(),
      l2: site.client({ namespace: 'shop' }),
      l1Expiration: '1h',
      changes: true,
    })
    await other.set('key', 'old', { tags: ['tag'] })
    await reader.get('other')
    expect(await reader.get('key')).toBe('old')
  })

  it('learns of overwrites before the first read of all', async () => {
    const l2 = site.client({ namespace: 'shop' })
    const fresh = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h', changes: true })
    await fresh.set('key', 'old')
    await fresh.setMany({ more: 'old' })
    await other.setMany({ key: 'new', more: 'new' })
    await fresh.get('something else')
    expect([await fresh.get('key'), await fresh.get('more')]).toEqual(['new', 'new'])
  })

  it.each(CHANGES)(
    'for another key drops the copy that was changed by %s, in its own round trip',
    async (_name, change, expected) => {
      await change(other)
      expect(await reader.get('key')).toBe('old')
      site.faults.reset()
      await reader.get('another')
      expect(site.faults.requests).toBe(1)
      expect(await reader.get('key')).toBe(expected)
    },
  )

  it.each<[string, (reader: Cache) => Promise<unknown>]>([
    ['getMany', (on) => on.getMany(['x', 'y'])],
    ['getOrSet', (on) => on.getOrSet('computed', 1)],
    ['a sliding getOrSet', (on) => on.getOrSet('computed', 1, { sliding: true, expiration: '1m' })],
    ['a sliding get', (on) => on.get('x', { sliding: '1m' })],
    ['of a nested namespace', (on) => on.namespace('nested').get('x')],
  ])('returns changes as well: %s', async (_name, read) => {
    await other.set('key', 'new')
    await read(reader)
    expect(await reader.get('key')).toBe('new')
  })

  it('keeps copies of entries that were not changed, or only touched', async () => {
    await other.setMany({ a: 1, b: 2 })
    await reader.getMany(['a', 'b'])
    await other.touch('a', '2h')
    await other.set('b', 3)
    await site.client({ namespace: 'elsewhere' }).set('a', 'another scope')
    await reader.get('another')
    site.faults.reset()
    expect(await reader.get('a')).toBe(1)
    expect(site.faults.requests).toBe(0)
    expect(await reader.get('b')).toBe(3)
  })

  it('learns of a transaction that began before it and committed after it', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query('select pg_current_xact_id()')
    await other.set('unrelated', 1)
    await reader.get('another')
    await createCache(drizzle(client), { namespace: 'shop' }).set('key', 'late')
    await client.query('commit')
    client.release()
    await reader.get('yet another')
    expect(await reader.get('key')).toBe('late')
  })

  it('keeps no copy of a row read before a change that it already knows of', async () => {
    let go = () => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    site.faults.reset()
    await other.set('slow', 'old')
    let isHeld = false
    const l2 = overStore(site.client({ namespace: 'shop' }), (store) => ({
      async readMany(keys, options) {
        const reply = await store.readMany(keys, options)
        if (keys.includes('shop|slow') && !isHeld) {
          isHeld = true
          await held
        }
        return reply
      },
    }))
    const slow = tieredCache({
      l1: memoryCache(),
      l2,
      l1Expiration: '1h',
      changes: true,
    })
    await slow.get('first')
    const reading = slow.get('slow')
    await expect.poll(() => isHeld).toBe(true)
    await other.set('slow', 'new')
    await slow.get('told')
    go()
    expect(await reading).toBe('old')
    expect(await slow.get('slow')).toBe('new')
  })

  it('drops all copies if there were too many changes, or the log was trimmed past the cursor', async () => {
    await other.setMany(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`many ${i}`, i])))
    await other.set('key', 'new')
    await reader.get('another')
    expect(await reader.get('key')).toBe('new')

    await other.set('key', 'newer')
    const cleaner = createCache(site.db)
    const later = () => site.db.execute(sql`update cache_state set updated_at = updated_at - interval '11 minutes'`)
    await cleaner.clearExpired()
    for (let i = 0; i < 2; i++) {
      await later()
      await other.set('unrelated', i)
      await cleaner.clearExpired()
    }
    expect(await logged()).not.toContain('key shop|key')
    await reader.get('another one')
    expect(await reader.get('key')).toBe('newer')
  })

  it('adds no cost to writes if changes are not enabled', async () => {
    await migrate(site.db)
    await site.db.execute(sql`truncate cache_changes`)
    await other.set('key', 'new')
    expect(await logged()).toEqual([])
    await migrate(site.db, { changes: true })
    await other.set('key', 'newer', { tags: ['x'] })
    await other.invalidate(['x', 'y'])
    expect(await logged()).toEqual(['key shop|key', 'tag x', 'tag y'])
    expect(await site.db.$count(cacheChanges)).toBe(3)
  })

  it('needs a second tier from createCache', () => {
    expect(() => tieredCache({ l1: memoryCache(), l2: memoryCache(), changes: true })).toThrow('createCache')
  })
})

it('the log works under custom names, and for a role that may not write to it', async () => {
  const tables = cacheTables({ schema: 'own "schema"', prefix: 'my ' })
  await migrate(site.db, { tables, changes: true })
  const role = `writer_${crypto.randomUUID().slice(0, 8)}`
  await pool.query(`create role ${role} login password 'w'; grant usage on schema "own ""schema""" to ${role};
    grant select, insert, update, delete on "own ""schema"""."my cache_entries", "own ""schema"""."my cache_leases",
      "own ""schema"""."my cache_invalidations", "own ""schema"""."my cache_state" to ${role}`)
  const url = new URL(site.database)
  url.username = role
  url.password = 'w'
  const own = createPool(url.href)
  await createCache(drizzle(own), { tables }).set('key', 1, { tags: ['x'] })
  expect((await pool.query('select name from "own ""schema"""."my cache_changes"')).rows).toEqual([{ name: 'key' }])
  await pool.query(`drop owned by ${role}; drop role ${role}`)
})

describe('listening', () => {
  beforeAll(() => migrate(site.db, { notify: CHANNEL }))
  let reader: Cache
  let other: Cache
  let listening: Listening
  let clients: pg.Client[] = []
  const errors: unknown[] = []
  beforeEach(async () => {
    other = site.client({ namespace: 'shop' })
    reader = tieredCache({ l1: memoryCache(), l2: site.client({ namespace: 'shop' }), l1Expiration: '1h' })
    clients = []
    listening = listen(reader, {
      channel: CHANNEL,
      connect() {
        const client = new pg.Client(site.database)
        clients.push(client)
        return client
      },
      onError: (error) => void errors.push(error),
      timeout: '1m',
    })
    await listening.ready
    await other.set('key', 'old', { tags: ['tag'] })
    // It is also notified of its own start.
    await expect.poll(async () => await reader.get('key')).toBe('old')
  })
  afterEach(() => listening.close())

  it.each(CHANGES)('drops copies of keys that were changed by %s, without a read', async (_name, change, expected) => {
    await change(other)
    await expect.poll(() => reader.get('key')).toBe(expected)
  })

  it('drops all copies if the notification is too long for one message', async () => {
    await other.setMany(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`a rather long key ${i}`, i])))
    await pool.query(`select pg_notify($1, 'no news')`, [CHANNEL])
    await other.set('key', 'new')
    await expect.poll(() => reader.get('key')).toBe('new')
  })

  it('reconnects after its connection is lost, and drops copies of the time between', async () => {
    const pid = (client: pg.Client | undefined) => Reflect.get(client ?? {}, 'processID')
    await pool.query('select pg_terminate_backend($1)', [pid(clients[0])])
    await expect.poll(() => clients.length).toBe(2)
    await expect
      .poll(
        async () =>
          (
            await pool.query(`select 1 from pg_stat_activity where pid = $1 and query like 'listen%'`, [
              pid(clients[1]),
            ])
          ).rowCount,
      )
      .toBe(1)
    await other.set('key', 'meanwhile')
    await expect.poll(() => reader.get('key')).toBe('meanwhile')
    expect(errors.length).toBeGreaterThan(0)
  })

  it('closes without delay if closed before it could start', async () => {
    const other = listen(reader, { channel: CHANNEL, connect: () => new pg.Client('postgres://127.0.0.1:1/nowhere') })
    await other.close()
    await other.ready
  })

  it('ends when its signal aborts', async () => {
    await listening.close()
    await listening.close()
    expect(clients).toHaveLength(1)
    // The server ends a session some time after its client has disconnected.
    await expect
      .poll(async () => (await pool.query(`select 1 from pg_stat_activity where query like 'listen%'`)).rows)
      .toEqual([])
  })

  it.each<[string, Partial<ListeningClient>]>([
    ['never connects', { connect: () => new Promise(() => {}), end: () => new Promise(() => {}) }],
    ['stops answering', { query: () => new Promise(() => {}), end: () => new Promise(() => {}) }],
    ['never ends', { end: () => new Promise(() => {}) }],
  ])('closes if the connection %s', async (_name, silent) => {
    const quiet = async () => {}
    const client = { connect: quiet, query: quiet, end: quiet, on: () => {}, ...silent }
    const hanging = listen(reader, { channel: CHANNEL, connect: () => client })
    await pause(10)
    await hanging.close()
  })

  it('needs a tiered cache and a channel', async () => {
    const connect = () => new pg.Client(site.database)
    for (const [cache, options] of [
      [memoryCache(), { connect, channel: 'x' }],
      [reader, { connect }],
      [reader, { channel: 'x' }],
    ]) {
      expect(() => listen(cache as Cache, options as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    }
    await expect(migrate(site.db, { notify: '' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
