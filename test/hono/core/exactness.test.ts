import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { beforeAll, expect, it } from 'vitest'
import { createPool } from '../../setup/databases.ts'
import { rounds } from '../../setup/statements.ts'
import { createApp, createSite, emptied, pause, type Site, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
  await emptied(site)
  await site.db.execute(sql`create table counters (id int primary key, value int not null)`)
  await site.db.execute(sql`insert into counters select id, 0 from generate_series(0, 3) as id`)
})

const COUNTERS = 4
const READERS = 8
const READS = rounds(400)
const WRITES = rounds(250)

it('no response is older than a commit that preceded its request, in thousands of requests beside writing transactions', async () => {
  const pool = createPool(site.database)
  /** The latest version that has certainly been committed. A reader that starts now must see at least this one. */
  const committed = times(COUNTERS, () => 0)
  let isWriting = true
  const writers = times(2, async (w) => {
    for (let i = 0; i < WRITES; i++) {
      const id = (i * 2 + w) % COUNTERS
      const client = await pool.connect()
      const tx = drizzle(client)
      await tx.execute(sql`begin`)
      const { rows } = await tx.execute<{ value: number }>(
        sql`update counters set value = value + 1 where id = ${id} returning value`,
      )
      await createCache(tx).invalidate(`counter:${id}`)
      if (i % 3 === 0) await pause(5)
      const isKept = i % 7 !== 0
      await tx.execute(isKept ? sql`commit` : sql`rollback`)
      client.release()
      if (isKept) committed[id] = Math.max(committed[id] ?? 0, rows[0]?.value ?? 0)
      await pause(2)
    }
    isWriting = false
  })
  let requests = 0
  let hits = 0
  const readers = times(READERS, async (r) => {
    const reading = drizzle(pool)
    const { fetch } = createApp(
      site,
      async (c) => {
        const id = Number(c.req.path.slice(1))
        const { rows } = await reading.execute<{ value: number }>(sql`select value from counters where id = ${id}`)
        const etag = `"${rows[0]?.value}"`
        const headers = { 'cache-control': 'max-age=60', etag }
        if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers)
        return c.text(String(rows[0]?.value), 200, headers)
      },
      { tags: (c) => [`counter:${c.req.path.slice(1)}`], lease: '2s', requestDirectives: true },
    )
    for (let i = 0; i < READS || isWriting; i++) {
      const id = (i + r) % COUNTERS
      const least = committed[id] ?? 0
      // Some requests are reloads, which validate.
      const response = await fetch(`/${id}`, i % 5 === 0 ? { headers: { 'cache-control': 'no-cache' } } : {})
      requests++
      if (response.headers.get('cache-status')?.includes('hit')) hits++
      expect(Number(await response.text())).toBeGreaterThanOrEqual(least)
    }
  })
  await Promise.all([...writers, ...readers])
  console.log(`${requests} requests, ${hits} hits, ${committed.join(' + ')} writes`)
  expect(requests).toBeGreaterThanOrEqual(READERS * READS)
  expect(hits).toBeGreaterThan(requests / 20)
}, 240_000)
