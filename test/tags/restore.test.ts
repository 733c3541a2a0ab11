/** Rows that were dumped on one server and restored on another, whose transaction ids start elsewhere. */
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { startServer } from '../setup/server.ts'
import { type Dump, dump, restore, rows, type Site, siteOf, spend, TABLES } from './dumps.ts'
import { passNotedTime } from './time.ts'

/** The server whose ids are far ahead, and a new one. */
let from: Site
let to: Site

beforeAll(async () => {
  from = await siteOf(await createDatabase())
  const server = await startServer()
  cleanup(server.stop)
  to = await siteOf(server.url)
  await spend(from, 20_000)
})
beforeEach(async () => {
  await empty(from)
  await empty(to)
})

async function empty({ pool, db }: Site): Promise<void> {
  await pool.query(`truncate ${TABLES.join(', ')}`)
  await migrate(db)
}

/** The rows of the other server: tagged entries, some of them invalidated, and an untagged one. */
async function fillAndDump({ cache, db }: Site): Promise<Dump> {
  await cache.set('untagged', 1)
  await cache.setMany({ tagged: 2, other: 3 }, { tags: ['x'] })
  await cache.set('rejected', 4, { tags: ['y'] })
  await cache.invalidate(['y', 'z'])
  await cache.clearExpired({ batch: 1, timeBudget: 0 })
  await passNotedTime(db)
  return dump({ ...from, db, cache })
}

const BY: Record<string, (site: Site) => Promise<unknown>> = {
  migrate: ({ db }) => migrate(db),
  cleanup: ({ cache }) => cache.clearExpired({ batch: 1 }),
}

describe.each(Object.entries(BY))('a dump that is restored on another server, and then %s', (_name, run) => {
  it('keeps entries without tags, and drops the others and the log', async () => {
    await restore(to, await fillAndDump(from))
    expect([...(await to.cache.getMany(['untagged', 'tagged', 'other', 'rejected'])).keys()]).toEqual(['untagged'])
    await run(to)
    expect(await rows(to, 'cache_entries')).toBe(1)
    expect(await rows(to, 'cache_invalidations')).toBe(0)
    expect(await to.cache.get('untagged')).toBe(1)
    expect((await to.pool.query("select value from cache_state where name = 'cluster'")).rows[0].value).toBe(
      (await to.pool.query('select system_identifier::text as id from pg_control_system()')).rows[0].id,
    )
    // From here on invalidation works normally, also when the ids have caught up.
    for (let i = 0; i < 3; i++) {
      await to.cache.set('tagged', 'new', { tags: ['z'] })
      expect(await to.cache.get('tagged')).toBe('new')
      await to.cache.invalidate('z')
      expect(await to.cache.get('tagged')).toBe(undefined)
      await run(to)
      await passNotedTime(to.db)
    }
  })

  it('refuses values that were read before the restore and are written after it', async () => {
    await restore(to, await fillAndDump(from))
    const asOf = await to.cache.snapshot()
    await to.cache.invalidate('w')
    const answer = await to.cache.getOrSet(
      'computed',
      async () => {
        await run(to)
        return 'old'
      },
      { tags: ['w'] },
    )
    await to.cache.set('key', 'old', { tags: ['w'], asOf })
    expect([answer, await to.cache.get('key'), await to.cache.get('computed')]).toEqual(['old', undefined, undefined])
    await spend(to, 10)
    expect(await to.cache.getOrSet('key', 'new', { tags: ['w'] })).toBe('new')
    expect(await to.cache.get('key')).toBe('new')
  })

  it('does so by ids that went backwards if the role may not query the server’s identity', async () => {
    await to.pool.query('revoke execute on function pg_control_system() from public')
    await to.pool.query("create role plain login password 'plain'")
    await to.pool.query('create schema own authorization plain')
    const url = new URL(to.pool.options.connectionString ?? '')
    url.username = 'plain'
    url.password = 'plain'
    url.searchParams.set('options', '-c search_path=own')
    const plain = await siteOf(url.href)
    try {
      await expect(plain.pool.query('select * from pg_control_system()')).rejects.toMatchObject({ code: '42501' })
      await restore(plain, await fillAndDump(from))
      await plain.cache.set('new', 1, { tags: ['x'] })
      await run(plain)
      expect(await rows(plain, 'cache_entries')).toBe(1)
      expect(await rows(plain, 'cache_invalidations')).toBe(0)
      expect(await plain.cache.get('untagged')).toBe(1)
      await plain.cache.set('new', 1, { tags: ['x'] })
      await spend(plain, 10)
      await run(plain)
      await run(plain)
      await plain.cache.set('new', 1, { tags: ['x'] })
      await run(plain)
      expect(await plain.cache.get('new')).toBe(1)
    } finally {
      await plain.pool.query('drop schema own cascade')
      await to.pool.query('drop role plain')
      await to.pool.query('grant execute on function pg_control_system() to public')
    }
  })

  it('keeps everything on the same server', async () => {
    const other = await siteOf(await createDatabase())
    await restore(other, await fillAndDump(from))
    await run(other)
    expect([...(await other.cache.getMany(['untagged', 'tagged', 'other', 'rejected'])).keys()]).toEqual([
      'untagged',
      'tagged',
      'other',
    ])
    await other.cache.invalidate('x')
    expect((await other.cache.getMany(['tagged', 'other'])).size).toBe(0)
  })
})
