/** The examples of docs/guides/invalidation.md work as described. */
import { readFile } from 'node:fs/promises'
import { eq } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { tableTag, unwatchAllTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { products, setPrice } from '../../docs/snippets/tags/batch.ts'
import { cityChanged, report } from '../../docs/snippets/tags/get-or-set.ts'
import { refresh, total } from '../../docs/snippets/tags/materialized-view.ts'
import { connect, prices } from '../../docs/snippets/tags/query-cache.ts'
import { openDatabase } from '../../docs/snippets/tags/query-cache-pool.ts'
import { discount } from '../../docs/snippets/tags/transaction.ts'
import { product, productCount, setUp } from '../../docs/snippets/tags/watch.ts'
import { raisePrices } from '../../docs/snippets/tags/with-invalidation.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let url: string
let pool: pg.Pool
let db: NodePgDatabase

beforeAll(async () => {
  url = await createDatabase()
  pool = createPool(url)
  db = drizzle(pool)
  await migrate(db)
  await pool.query('create table products (id text primary key, cents int not null)')
})

it('reports of a city are computed again after it changed, and reports of others are not', async () => {
  const cache = createCache(db)
  let computed = 0
  const compute = async () => `report ${++computed}`
  await report(cache, 'Paris', compute)
  await report(cache, 'Rome', compute)
  await cityChanged(cache, 'Paris')
  expect(await report(cache, 'Rome', compute)).toBe('report 2')
  expect(await report(cache, 'Paris', compute)).toBe('report 3')
})

it('price changes in a batch and in a transaction invalidate', async () => {
  const { db: http } = await createNeon(url)
  const cache = createCache(db)
  await db.insert(products).values({ id: 'a', cents: 100 })
  for (const change of [() => setPrice(http, 'a', 50), () => discount(db, 'a')]) {
    await cache.set('page', 1, { tags: ['product:a'] })
    await change()
    expect(await cache.get('page')).toBe(undefined)
  }
  expect(await db.select().from(products)).toEqual([{ id: 'a', cents: 25 }])
})

it('every write of a database with invalidation invalidates', async () => {
  await db.insert(products).values({ id: 'tea', cents: 1 })
  const { db: http } = await createNeon(url)
  const cache = createCache(db)
  await cache.set('page', 1, { tags: [tableTag(products)] })
  await raisePrices(http)
  expect(await cache.get('page')).toBe(undefined)
  const [tea] = await db.select().from(products).where(eq(products.id, 'tea'))
  expect(tea).toEqual({ id: 'tea', cents: 102 })
})

it('queries are answered from the cache until a write', async () => {
  const { server } = await createNeon(url)
  const connected = connect(server.connectionString)
  const first = await prices(connected, 'tea')
  expect(first).toEqual({ all: expect.arrayContaining([{ id: 'tea', cents: 102 }]), one: [{ id: 'tea', cents: 102 }] })
  await pool.query("update products set cents = 5 where id = 'tea'")
  expect(await prices(connected, 'tea')).toEqual(first)
  await connected.db.update(products).set({ cents: 7 }).where(eq(products.id, 'tea'))
  expect((await prices(connected, 'tea')).one).toEqual([{ id: 'tea', cents: 7 }])
})

it('products of a watched table are read again after a write', async () => {
  await setUp(db)
  const cache = createCache(db)
  await db.insert(products).values({ id: 'b', cents: 1 })
  expect(await product(cache, db, 'b')).toEqual({ id: 'b', cents: 1 })
  expect(await product(cache, db, 'c')).toBe(null)
  const count = await productCount(cache, db)
  await pool.query("update products set cents = 2 where id = 'b'; insert into products values ('c', 3)")
  expect(await product(cache, db, 'b')).toEqual({ id: 'b', cents: 2 })
  expect(await product(cache, db, 'c')).toEqual({ id: 'c', cents: 3 })
  expect(await productCount(cache, db)).toBe(count + 1)
  expect(tableTag(products)).toBe('table:public.products')
  await unwatchAllTables(db)
})

describe('a materialized view', () => {
  beforeAll(async () => {
    await pool.query(
      'create materialized view totals as select count(*) as n from products; create unique index on totals (n)',
    )
  })

  it('is invalidated by the statement that refreshes it', async () => {
    const { db: http } = await createNeon(url)
    const cache = createCache(db)
    const before = await total(cache, http)
    await db.insert(products).values({ id: 'new', cents: 1 })
    expect(await total(cache, http)).toBe(before)
    await refresh(http)
    expect(Number(await total(cache, http))).toBe(Number(before) + 1)
  })

  it('is invalidated by the SQL for psql, and by the event trigger', async () => {
    const text = await readFile(new URL('../../docs/guides/invalidation.md', import.meta.url), 'utf8')
    const blocks = [...text.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql = '']) => sql)
    const [byHand, eventTrigger] = ['refresh materialized view', 'create event trigger'].map((part) =>
      blocks.find((block) => block.includes(part)),
    )
    const cache = createCache(db)
    await cache.set('key', 1, { tags: ['table:public.totals'] })
    await pool.query(byHand ?? '')
    expect(await cache.get('key')).toBe(undefined)
    await pool.query(eventTrigger ?? '')
    await cache.set('key', 1, { tags: ['table:public.totals'] })
    await pool.query('refresh materialized view totals')
    expect(await cache.get('key')).toBe(undefined)
  })

  it('gets row-level security disabled by the documented SQL', async () => {
    const text = await readFile(new URL('../../docs/guides/invalidation.md', import.meta.url), 'utf8')
    const [cure = ''] = /^alter table cache_invalidations disable.*?(?=^```)/ms.exec(text) ?? []
    await pool.query('alter table cache_invalidations enable row level security')
    await pool.query(cure)
    const { rows } = await pool.query("select relrowsecurity from pg_class where relname = 'cache_invalidations'")
    expect(rows).toEqual([{ relrowsecurity: false }])
  })
})

it('queries of one tenant never return rows of another', async () => {
  const tenants = ['a', 'b'].map((tenant) => openDatabase(url, tenant))
  const read = async ({ db }: ReturnType<typeof openDatabase>) =>
    (await db.select().from(products).where(eq(products.id, 'tenant')).$withCache()).length
  const [a, b] = tenants
  if (a === undefined || b === undefined) throw new Error('Expected two tenants.')
  try {
    expect(await read(a)).toBe(0)
    await pool.query("insert into products values ('tenant', 1)")
    expect([await read(a), await read(b)]).toEqual([0, 1])
  } finally {
    await Promise.all(tenants.map(({ close }) => close()))
  }
})
