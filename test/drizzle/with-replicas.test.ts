/**
 * `withInvalidation` and Drizzle's `withReplicas`: writes go to the primary and invalidate. Reads go where they went.
 */
import { neon } from '@neondatabase/serverless'
import { eq, sql } from 'drizzle-orm'
import { drizzle as drizzleNeon, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgMaterializedView, pgTable, text, withReplicas } from 'drizzle-orm/pg-core'
import { type Cache, createCache, invalidation } from 'pgstash'
import { type Touching, tableTag, withInvalidation } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const names = pgMaterializedView('names', { name: text('name') }).as(sql`select name from users`)

let site: Site
let replica: string
let replicaEndpoint: string
let cache: Cache
beforeAll(async () => {
  site = await createSite()
  replica = await createDatabase()
  replicaEndpoint = (await createNeon(replica)).server.connectionString
  // A write that reaches the replica succeeds, so only its effects show the mistake.
  await migrate(drizzlePg({ client: createPool(replica) }))
  for (const url of [site.database, replica]) {
    await createPool(url).query(
      'create table users (id int primary key, name text not null); create materialized view names as select name from users',
    )
  }
  cache = site.client()
})
beforeEach(async () => {
  await createPool(site.database).query("truncate users; insert into users values (1, 'primary')")
  await createPool(replica).query("truncate users, cache_invalidations; insert into users values (1, 'replica')")
  await site.db.execute(sql`refresh materialized view names`)
  await cache.set('users', 1, { tags: [tableTag(users)] })
  await cache.set('names', 1, { tags: [tableTag(names)] })
})

const connect = {
  'neon-http': (url: string) =>
    drizzleNeon({ client: neon(url === replica ? replicaEndpoint : site.server.connectionString) }),
  'node-postgres': (url: string) => drizzlePg({ client: createPool(url) }) as unknown as NeonHttpDatabase,
}
const live = async () => [...(await cache.getMany(['users', 'names'])).keys()]
/** All rows of the replica. */
const inReplica = async () => {
  const { rows } = await createPool(replica).query(
    'select (select array_agg(name order by id) from users) as users, (select count(*)::int from cache_invalidations) as notes',
  )
  return rows[0]
}
const untouched = { users: ['replica'], notes: 0 }

const WRITES: [string, (db: NeonHttpDatabase) => Promise<unknown>][] = [
  ['insert', async (on) => on.insert(users).values({ id: 2, name: 'new' })],
  ['update', async (on) => on.update(users).set({ name: 'new' }).where(eq(users.id, 1)).returning()],
  ['delete', async (on) => on.delete(users)],
  ['prepared update', async (on) => on.update(users).set({ name: 'new' }).prepare('named').execute()],
  ['raw SQL', async (on) => on.execute(sql`update ${users} set name = 'new'`)],
]
const WITH: typeof WRITES = [
  [
    'insert with a CTE',
    async (on) => {
      const cte = on.$with('some').as(on.select({ id: users.id }).from(users))
      return on.with(cte).insert(users).values({ id: 2, name: 'new' })
    },
  ],
  [
    'touching',
    async (on) => (on as ReturnType<typeof withInvalidation<typeof on>>).touching(users).execute('delete from users'),
  ],
]

describe.each(Object.entries(connect))('on %s', (driver, open) => {
  const replicated = () => withReplicas(open(site.database), [open(replica)])

  it.each([...WRITES, ...WITH])('%s goes to the primary and invalidates', async (_name, write) => {
    await write(withInvalidation(replicated()) as unknown as NeonHttpDatabase)
    expect(await live()).toEqual(['names'])
    expect(await inReplica()).toEqual(untouched)
  })

  it.each(WRITES)('%s invalidates with withInvalidation inside of withReplicas', async (_name, write) => {
    await write(withReplicas(withInvalidation(open(site.database)), [open(replica)]))
    expect(await live()).toEqual(['names'])
    expect(await inReplica()).toEqual(untouched)
  })

  it('touching works with withInvalidation inside of withReplicas', async () => {
    const db = withReplicas(withInvalidation(open(site.database)), [open(replica)])
    // withReplicas accepts only Drizzle's own type.
    await (db as unknown as Touching<NeonHttpDatabase>).touching(users).execute('delete from users')
    expect(await live()).toEqual(['names'])
  })

  it('the primary of a primary gets the writes', async () => {
    const inner = withReplicas(open(site.database), [open(replica)])
    await withInvalidation(withReplicas(inner as unknown as NeonHttpDatabase, [open(replica)])).delete(users)
    expect(await live()).toEqual(['names'])
    expect(await inReplica()).toEqual(untouched)
  })

  it('$primary invalidates as well', async () => {
    await withInvalidation(replicated()).$primary.delete(users)
    expect(await live()).toEqual(['names'])
  })

  it('refreshMaterializedView goes to the primary and invalidates the view', async () => {
    await withInvalidation(replicated()).refreshMaterializedView(names)
    expect(await live()).toEqual(['users'])
    expect(await inReplica()).toEqual(untouched)
  })

  it('reads go where they went before', async () => {
    const [plain, db] = [replicated(), withInvalidation(replicated())]
    const cte = db.$with('some').as(db.select({ name: users.name }).from(users))
    expect(await db.select().from(users)).toEqual(await plain.select().from(users))
    expect(await db.with(cte).select().from(cte)).toEqual([
      { name: (await plain.with(cte).select().from(cte))[0]?.name },
    ])
    expect((await db.execute(sql`select name from users`)).rows).toEqual([{ name: 'primary' }])
  })

  it('a cache over it reads from and writes to the primary', async () => {
    for (const db of [
      withInvalidation(replicated()),
      withReplicas(withInvalidation(open(site.database)), [open(replica)]),
    ]) {
      await createCache(db).set('key', driver)
      expect(await cache.get('key')).toBe(driver)
      await cache.delete('key')
    }
  })

  if (driver === 'neon-http') {
    it('a batch goes to the primary', async () => {
      const db = withInvalidation(replicated()) as unknown as NeonHttpDatabase
      await db.batch([db.insert(users).values({ id: 2, name: 'new' }), invalidation('another')])
      expect(await live()).toEqual(['names'])
      expect(await inReplica()).toEqual(untouched)
    })
  } else {
    it('a transaction goes to the primary', async () => {
      await withInvalidation(replicated()).transaction(async (tx) => {
        await tx.delete(users)
        await tx.refreshMaterializedView(names)
        expect(await live()).toEqual(['users', 'names'])
      })
      expect(await live()).toEqual([])
      expect(await inReplica()).toEqual(untouched)
    })
  }
})
