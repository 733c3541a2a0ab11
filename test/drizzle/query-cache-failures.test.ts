/**
 * A query or a write never fails because of its cache: unstorable rows, an unreachable cache, or a pool without
 * connections.
 */
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, numeric, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { type CacheEvent, createCache } from 'pgstash'
import { cacheQuery, queryCache } from 'pgstash/drizzle'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createPool } from '../setup/databases.ts'

const items = pgTable('items', {
  id: integer('id').primaryKey(),
  name: text('name').notNull(),
  price: numeric('price'),
})

let site: Site
beforeAll(async () => {
  site = await createSite()
  await site.db.execute(sql`create table items (id int primary key, name text not null, price numeric)`)
})
beforeEach(async () => {
  await site.db.execute(sql`truncate items, cache_entries, cache_leases, cache_invalidations`)
  await site.db.execute(sql`insert into items values (1, 'secret-row', 1.5), (2, 'b', 2)`)
  site.faults.reset()
})

/** The tokens of held leases. A released lease has no token. */
const leases = async () =>
  Number(
    (await createPool(site.database).query('select count(*) from cache_leases where token is not null')).rows[0].count,
  )

/** Makes the driver return an instance of a class for each numeric. */
function withDecimals() {
  class Decimal {
    constructor(readonly text: string) {}
  }
  const { NUMERIC } = pg.types.builtins
  const before = pg.types.getTypeParser(NUMERIC)
  pg.types.setTypeParser(NUMERIC, (text: string) => new Decimal(text))
  cleanup(() => pg.types.setTypeParser(NUMERIC, before))
  return () => pg.types.setTypeParser(NUMERIC, before)
}

describe('rows that cannot be stored', () => {
  function listen() {
    const events: CacheEvent[] = []
    const errors = () => events.filter((event) => event.type === 'error')
    return { errors, onEvent: (event: CacheEvent) => void events.push(event) }
  }

  it('are returned by cacheQuery uncached, with an event that shows none of them', async () => {
    const restore = withDecimals()
    const { errors, onEvent } = listen()
    const cache = site.client({ onEvent })
    const db = drizzle({ client: createPool(site.database) })
    const query = () => db.select().from(items).orderBy(items.id)
    expect(await cacheQuery(cache, query())).toStrictEqual(await query())
    restore()
    expect(await cache.count()).toBe(0)
    expect(await leases()).toBe(0)
    expect(errors()).toMatchObject([{ error: { code: 'UNSERIALIZABLE_VALUE' } }])
    const { inspect } = await import('node:util')
    expect(inspect(errors(), { depth: 20, showHidden: true })).not.toContain('secret-row')
  })

  it('are returned by cacheQuery if they are larger than the cache accepts', async () => {
    const { errors, onEvent } = listen()
    const cache = site.client({ maxValueBytes: 40, onEvent })
    const query = () => site.db.select().from(items).orderBy(items.id)
    const all = await Promise.all([1, 2, 3].map(() => cacheQuery(cache, query())))
    for (const each of all) expect(each).toStrictEqual(await query())
    expect(await leases()).toBe(0)
    expect(errors()[0]).toMatchObject({ error: { code: 'VALUE_TOO_LARGE' } })
  })

  it('are returned by queryCache, which releases its lease', async () => {
    const restore = withDecimals()
    const { errors, onEvent } = listen()
    const db = drizzle({ client: createPool(site.database), cache: queryCache(site.client({ onEvent })) })
    const plain = await db.select().from(items)
    expect(await db.select().from(items).$withCache()).toStrictEqual(plain)
    restore()
    expect(await leases()).toBe(0)
    expect(errors()).toMatchObject([{ operation: 'put', error: { code: 'UNSERIALIZABLE_VALUE' } }])
  })

  it('are returned by queryCache if they are larger than the cache accepts', async () => {
    const { errors, onEvent } = listen()
    const cache = site.client({ maxValueBytes: 40, onEvent })
    const db = drizzle({ client: createPool(site.database), cache: queryCache(cache) })
    expect(await db.select().from(items).$withCache()).toHaveLength(2)
    expect([await cache.count(), await leases()]).toEqual([0, 0])
    expect(errors()).toMatchObject([{ operation: 'put', error: { code: 'VALUE_TOO_LARGE' } }])
  })
})

it('queryCache stores rows with the codec of the cache', async () => {
  const codec = {
    encode: (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64'),
    decode: (text: string) => JSON.parse(Buffer.from(text, 'base64').toString()),
  }
  const db = drizzle({ client: createPool(site.database), cache: queryCache(site.client({ codec })) })
  const read = () => db.select().from(items).orderBy(items.id).$withCache()
  const first = await read()
  const { rows } = await createPool(site.database).query('select value from cache_entries')
  expect(rows).toHaveLength(1)
  expect(rows[0].value).not.toContain('secret-row')
  await site.db.execute(sql`delete from items`)
  expect(await read()).toStrictEqual(first)
})

describe('writes of queryCache', () => {
  const CONNECTIONS = 3

  it('commit on a pool whose connections are all held by writing transactions, and are visible afterwards', async () => {
    const events: CacheEvent[] = []
    const client = createPool(site.database, { max: CONNECTIONS })
    const cache = createCache(drizzle({ client }), { timeout: 60_000, onEvent: (event) => events.push(event) })
    const db = drizzle({ client, cache: queryCache(cache) })
    await site.db.execute(sql`insert into items select n, 'x' from generate_series(3, ${CONNECTIONS}) n`)
    const read = () => db.select().from(items).orderBy(items.id).$withCache()
    await read()
    let arrived = 0
    let open = () => {}
    const everybodyIsIn = new Promise<void>((resolve) => {
      open = resolve
    })
    const write = (id: number) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`select 1`)
        if (++arrived === CONNECTIONS) open()
        await everybodyIsIn
        await tx.update(items).set({ name: 'new' }).where(eq(items.id, id))
        await tx.update(items).set({ name: 'newer' }).where(eq(items.id, id))
      })
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => write(i + 1)))
    expect((await read()).map(({ name }) => name)).toEqual(Array(CONNECTIONS).fill('newer'))
    expect(events.filter(({ operation }) => operation === 'onMutate')[0]).toMatchObject({
      type: 'error',
      error: { code: 'DATABASE', message: expect.stringContaining('its own pool') },
    })
    // The late invalidation has been sent: another process sees it, and the query is cached again.
    const cached = async () => {
      await read()
      return cache.count()
    }
    await expect.poll(cached).toBe(1)
  })

  it('succeed while the cache is unreachable, and are visible to this process at once and to all others after recovery', async () => {
    const far = await createSite()
    const client = createPool(site.database)
    const cache = far.client({ onError: 'miss', timeout: 60_000 })
    const db = drizzle({ client, cache: queryCache(cache) })
    const other = drizzle({ client, cache: queryCache(far.client()) })
    const read = async (from: typeof db) =>
      (await from.select().from(items).where(eq(items.id, 1)).$withCache())[0]?.name
    await read(db)
    far.faults.always({ kind: 'error', status: 503 })
    await db.update(items).set({ name: 'new' }).where(eq(items.id, 1))
    expect(await read(db)).toBe('new')
    far.faults.heal()
    expect(await read(other)).toBe('secret-row')
    expect(await read(db)).toBe('new')
    expect(await read(other)).toBe('new')
  })

  it('are visible to every query of this process while a failed invalidation is being sent again', async () => {
    const far = await createSite()
    const db = drizzle({ client: createPool(site.database), cache: queryCache(far.client()) })
    const read = async () => (await db.select().from(items).where(eq(items.id, 1)).$withCache())[0]?.name
    await read()
    far.faults.always({ kind: 'error', status: 400 })
    await db.update(items).set({ name: 'new' }).where(eq(items.id, 1))
    far.faults.heal()
    // The first read sends the invalidation. The others come before it has arrived, and must not get the old rows.
    far.faults.next({ kind: 'delay', ms: 500 })
    expect(await Promise.all([read(), read(), read()])).toEqual(['new', 'new', 'new'])
    expect(await read()).toBe('new')
  })
})

describe('a statement that waits for a connection until its timeout', () => {
  it('was not sent, reports that, and is not sent later', async () => {
    const client = createPool(site.database, { max: 1 })
    const cache = createCache(drizzle({ client }), { timeout: 100 })
    const held = await client.connect()
    const error = await cache.set('key', 1).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'TIMEOUT', sent: false, message: expect.stringContaining('not sent') })
    held.release()
    // The pool answers in order.
    await client.query('select 1')
    expect(await site.client().has('key')).toBe(false)
    expect(client.totalCount).toBe(1)
  })

  it('reports an unknown outcome if it was sent', async () => {
    const client = createPool(site.database, { max: 1 })
    const cache = createCache(drizzle({ client }), { timeout: 200 })
    const locker = new pg.Client(site.database)
    await locker.connect()
    cleanup(() => locker.end())
    await locker.query('begin; lock table cache_entries')
    // Otherwise the pool would have to connect within the timeout.
    await client.query('select 1')
    await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'TIMEOUT', sent: true })
    await locker.query('rollback')
  })
})
