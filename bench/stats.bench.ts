/** What do statistics of a million entries cost, counted and estimated? */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheEntries, live } from 'pgstash/schema'
import { it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'
import { compare } from './measure.ts'

const ROWS = 1_000_000

it('stats of a million entries', async () => {
  const pool = createPool(await createDatabase(), { max: 1 })
  const db = drizzle(pool)
  await migrate(db)
  await pool.query(
    `insert into cache_entries (key, value, expires_at, kept_until)
     select case when i % 50 = 0 then 'small|' else 'large|' end || i, repeat(md5(i::text), 10), given.at, given.at
     from generate_series(1, $1::int) as i, lateral (
       select case i % 3 when 0 then now() - interval '1 hour' when 1 then now() + interval '1 day' end as at
     ) as given`,
    [ROWS],
  )
  await pool.query('vacuum analyze cache_entries')
  const cache = createCache(db, { timeout: 60_000 })
  const counted = sql`select count(*) filter (where live), sum(bytes) from (
    select ${live()} as live, pg_column_size(key) + pg_column_size(value) as bytes from ${cacheEntries}) as e`
  const once = (work: () => PromiseLike<unknown>) => async () => {
    await work()
    return 1
  }
  await compare('stats of a million entries', [
    { name: 'counted', run: once(() => db.execute(counted)) },
    { name: 'cache.stats(): estimated', run: once(() => cache.stats()) },
    { name: 'of a namespace of 20,000: exact', run: once(() => cache.namespace('small').stats()) },
    { name: 'of a namespace of 980,000: estimated', run: once(() => cache.namespace('large').stats()) },
  ])
  console.log(await cache.stats(), await cache.namespace('large').stats())
})
