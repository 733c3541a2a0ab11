/** `invalidation` in batches and transactions of the caller, over the common drivers. */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { type CacheTables, createCache, type Database, type Invalidation, invalidation } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import postgres from 'postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

const data = pgTable('data', { version: integer('version') })
const LONG = `${'é'.repeat(300)}"'\\{},`

let url: string
let neon: Awaited<ReturnType<typeof createNeon>>

beforeAll(async () => {
  url = await createDatabase()
  neon = await createNeon(url)
  await migrate(neon.db)
  await neon.db.execute(sql`create table data (version int unique)`)
})

describe('invalidation in a batch over HTTP', () => {
  it('takes one round trip with the change, and commits with it', async () => {
    const cache = createCache(neon.db, { timeout: 60_000 })
    await cache.setMany({ a: 1, b: 2 }, { tags: ['x', LONG] })
    await cache.set('c', 3, { tags: ['y'] })
    neon.faults.reset()
    const [inserted] = await neon.db.batch([
      neon.db.insert(data).values({ version: 1 }).returning(),
      invalidation([LONG, 'z']),
      neon.db.select().from(data),
    ])
    expect(inserted).toEqual([{ version: 1 }])
    expect(neon.faults.requests).toBe(1)
    expect([...(await cache.getMany(['a', 'b', 'c'])).keys()]).toEqual(['c'])
  })

  it('has no effect if the batch fails', async () => {
    const cache = createCache(neon.db, { timeout: 60_000 })
    await cache.set('key', 1, { tags: ['x'] })
    const failing = neon.db.batch([
      invalidation('x'),
      neon.db.insert(data).values({ version: 7 }),
      neon.db.insert(data).values({ version: 7 }),
    ])
    await expect(failing).rejects.toThrow()
    expect(await cache.get('key')).toBe(1)
  })

  it('works alone as well, and may be executed more than once', async () => {
    const cache = createCache(neon.db, { timeout: 60_000 })
    const statement = invalidation('x')
    for (let i = 0; i < 2; i++) {
      await cache.set('key', 1, { tags: ['x'] })
      if (i === 0) await neon.db.execute(statement)
      else await neon.db.batch([statement])
      expect(await cache.get('key')).toBe(undefined)
    }
  })

  it('with no tags does nothing', async () => {
    await neon.db.batch([invalidation([])])
  })
})

interface Transactions extends Database {
  transaction(work: (tx: { execute(query: Invalidation): PromiseLike<unknown> }) => Promise<unknown>): Promise<unknown>
}

const DRIVERS: Record<string, () => Promise<Transactions>> = {
  'node-postgres': async () => drizzle(createPool(url)),
  'postgres-js': async () => {
    const client = postgres(url, { onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgresJs(client)
  },
  pglite: async () => {
    const db = drizzlePglite()
    cleanup(() => db.$client.close())
    await migrate(db)
    return db
  },
}

describe.each(Object.entries(DRIVERS))('invalidation in a transaction of %s', (_name, open) => {
  it('is visible to others after the commit, and never after a rollback', async () => {
    const db = await open()
    const cache = createCache(db, { timeout: 60_000 })
    await cache.setMany({ key: 1, other: 2 }, { tags: ['a', LONG] })
    await db
      .transaction(async (tx) => {
        await tx.execute(invalidation(['a', LONG]))
        throw new Error('changed my mind')
      })
      .catch(() => {})
    expect((await cache.getMany(['key', 'other'])).size).toBe(2)
    await db.transaction(async (tx) => {
      await tx.execute(invalidation(new Set([LONG])))
    })
    expect((await cache.getMany(['key', 'other'])).size).toBe(0)
  })
})

it('invalidation accepts tables of other names', async () => {
  const tables: CacheTables = cacheTables({ schema: 'Own "schema"', prefix: 'app_' })
  await migrate(neon.db, { tables })
  const cache = createCache(neon.db, { tables })
  await cache.set('key', 1, { tags: ['x'] })
  await neon.db.batch([invalidation('x')])
  expect(await cache.get('key')).toBe(1)
  await neon.db.batch([invalidation('x', { tables })])
  expect(await cache.get('key')).toBe(undefined)
})

it('invalidation refuses an invalid tag or option, without a request', () => {
  for (const tags of [undefined, '', 5, [''], ['a', null], 'a\0']) {
    expect(() => invalidation(tags as never)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
  }
  for (const options of [{ table: 1 }, { tables: {} }, 5]) {
    expect(() => invalidation('x', options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  }
})
