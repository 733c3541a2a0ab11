/** `live`, `expired`, `unexpired` and `forever` in queries of your own. */
import { and, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables, expired, forever, live, unexpired } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'

const NAMES = [
  ['default', {}],
  ['unusual', { schema: 'a"b.c', prefix: '$1"' }],
] as const

describe.each(NAMES)('with %s names of the tables', (_, options) => {
  async function fill() {
    const tables = cacheTables(options)
    const { entries } = tables
    const schema = { entries }
    const db = drizzle(createPool(await createDatabase()), { schema })
    if (tables.schema !== undefined) await db.execute(sql`create schema ${sql.identifier(tables.schema)}`)
    await migrate(db, { tables })
    const cache = createCache(db, { tables })
    await cache.set('forever', 1, { expiration: null })
    await cache.set('later', 1, { expiration: '1h' })
    await cache.set('tagged', 1, { expiration: '1h', tags: ['t'] })
    await cache.set('rejected', 1, { expiration: '1h', tags: ['u'] })
    await cache.set('past', 1, { expiration: '1h' })
    await db
      .update(entries)
      .set({ expiresAt: new Date(0) })
      .where(eq(entries.key, 'past'))
    await cache.invalidate('u')
    return { db, tables, entries }
  }

  it('selects, counts, updates and deletes', async () => {
    const { db, tables, entries } = await fill()
    const keys = async (condition: ReturnType<typeof live>) => {
      const rows = await db.select({ key: entries.key }).from(entries).where(condition).orderBy(entries.key)
      return rows.map(({ key }) => key)
    }
    expect(await keys(live(tables))).toEqual(['forever', 'later', 'tagged'])
    expect(await keys(expired(tables))).toEqual(['past', 'rejected'])
    expect(await keys(unexpired(tables))).toEqual(['later', 'tagged'])
    expect(await keys(forever(tables))).toEqual(['forever'])
    expect(await db.$count(entries, expired(tables))).toBe(2)
    const updated = await db
      .update(entries)
      .set({ meta: 'seen' })
      .where(and(live(tables), eq(entries.key, 'later')))
      .returning({ key: entries.key, isLive: live(tables) })
    expect(updated).toEqual([{ key: 'later', isLive: true }])
    expect((await db.delete(entries).where(expired(tables)).returning({ key: entries.key })).length).toBe(2)
  })

  it('filters a relational query, which renames the table', async () => {
    const { db, tables } = await fill()
    const found = await db.query.entries.findMany({
      columns: { key: true },
      where: live(tables),
      orderBy: (fields, { asc }) => asc(fields.key),
    })
    expect(found.map(({ key }) => key)).toEqual(['forever', 'later', 'tagged'])
  })
})
