/** Cleanup runs while a key is claimed and written. Its snapshot is older than the rows that it locks. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const ROLE = `pgstash_${crypto.randomUUID().replaceAll('-', '')}`
let pool: ReturnType<typeof createPool>
let sweeper: ReturnType<typeof createPool>

beforeAll(async () => {
  const url = new URL(await createDatabase())
  pool = createPool(url.href)
  await migrate(drizzle(pool))
  cleanup(() => pool.query(`drop owned by ${ROLE}; drop role ${ROLE}`))
  // A policy pauses this role's statements at their first entry, after they took their snapshot.
  await pool.query(`
    create role ${ROLE} login password 'password';
    grant all on all tables in schema public to ${ROLE};
    create function stop() returns boolean language plpgsql as $$ begin
      if current_query() ~ '"cache_(sweep|evict)' then perform pg_advisory_xact_lock_shared(1); end if;
      return true;
    end $$;
    alter table cache_entries enable row level security;
    create policy stops on cache_entries using (stop())`)
  url.username = ROLE
  url.password = 'password'
  sweeper = createPool(url.href)
})
beforeEach(async () => {
  await pool.query('truncate cache_entries, cache_leases, cache_invalidations')
})

/** Waits until cleanup has read the entries that it will delete, and resumes it after `meanwhile`. */
async function cleanUpAround(maxEntries: number | undefined, meanwhile: () => Promise<unknown>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock(1)')
    const done = createCache(drizzle(sweeper), { maxEntries, timeout: 60_000 }).clearExpired()
    const isWaiting = async () =>
      (
        await pool.query(`select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`)
      ).rowCount
    await expect.poll(isWaiting).toBe(1)
    await meanwhile()
    await client.query('select pg_advisory_unlock(1)')
    await done
  } finally {
    client.release(true)
  }
}

describe('an entry written during a computation and a cleanup', () => {
  it.each([
    ['evicted', '1 hour', 1, '1h'],
    ['removed', '-1 hour', undefined, 0],
  ] as const)('is not %s before the computation reads it', async (_what, kept, maxEntries, expiration) => {
    const cache = createCache(drizzle(pool))
    await cache.set('other', 1)
    await pool.query(
      `insert into cache_entries (key, number, expires_at, kept_until, written_by)
       values ('key', 0, now() - interval '2 hours', now() + $1::interval, pg_current_xact_id())`,
      [kept],
    )
    let claimed = () => {}
    let end = () => {}
    const isClaimed = new Promise<void>((resolve) => (claimed = resolve))
    let computing: Promise<unknown> | undefined
    await cleanUpAround(maxEntries, async () => {
      computing = cache.getOrSet('key', () => {
        claimed()
        return new Promise((resolve) => (end = () => resolve('computed before the write')))
      })
      await isClaimed
      await cache.set('key', 'written', { expiration })
    })
    end()
    expect(await computing).toBe('computed before the write')
    expect(await cache.get('key')).not.toBe('computed before the write')
  })
})
