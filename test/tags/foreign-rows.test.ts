/** Rows of another cluster, found by a role that may not query the identity of this cluster. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { findingsOf } from '../setup/doctor-findings.ts'
import { startServer } from '../setup/server.ts'
import { type Dump, dump, restore, rows, type Site, siteOf, spend, TABLES } from './dumps.ts'

/** The transaction ids of this server are far ahead. */
let from: Site
/** A new server, used by a role that may not call `pg_control_system`. */
let to: Site
beforeAll(async () => {
  from = await siteOf(await createDatabase())
  await spend(from, 20_000)
  const server = await startServer(['autovacuum=off'])
  cleanup(server.stop)
  const admin = await siteOf(server.url)
  await admin.pool.query('revoke execute on function pg_control_system() from public')
  await admin.pool.query("create role plain login password 'plain'")
  await admin.pool.query('create schema own authorization plain')
  const url = new URL(server.url)
  url.username = 'plain'
  url.password = 'plain'
  url.searchParams.set('options', '-c search_path=own')
  to = await siteOf(url.href)
})
beforeEach(async () => {
  for (const { pool, db } of [from, to]) {
    await pool.query(`truncate ${TABLES.join(', ')}, cache_changes`)
    await migrate(db)
  }
})

const parse = (texts: Dump, table: string): Record<string, unknown>[] => JSON.parse(texts[table] ?? '[]')

/** The dump with rows of one kind only, from a release that did not record which cluster wrote its first row. */
function only(texts: Dump, kept: string): Dump {
  const state = parse(texts, 'cache_state').filter(({ name }) => /^migration /.test(String(name)))
  return {
    cache_state: JSON.stringify(state),
    cache_entries: '[]',
    cache_leases: '[]',
    cache_invalidations: '[]',
    [kept]: texts[kept] ?? '',
  }
}

async function dumped(): Promise<Dump> {
  const { cache } = from
  await cache.set('untagged', 1)
  await cache.set('tagged', 'old', { tags: ['x'] })
  await cache.invalidate('y')
  await cache.getOrSet('filled', 2)
  return dump(from)
}

async function historyFinding({ db }: Site): Promise<string> {
  const findings = await findingsOf(db)
  return findings.flatMap(({ check, status, what }) => (check === 'history' ? [`${status}: ${what}`] : [])).join('\n')
}

describe("migrate as a role that may not query the cluster's identity", () => {
  it.each(['cache_entries', 'cache_leases', 'cache_invalidations'])(
    'detects rows from the future in %s',
    async (table) => {
      const texts = only(await dumped(), table)
      await restore(to, texts)
      expect(await historyFinding(to)).toMatch(/^problem: /)
      // This value becomes readable and outdated as soon as the ids have caught up, unless `migrate` detects the copy
      // before.
      await to.cache.set('mine', 1, { tags: ['x'] })
      await migrate(to.db)
      expect(await historyFinding(to)).toMatch(/^ok: /)
      for (const kind of ['cache_leases', 'cache_invalidations']) expect(await rows(to, kind)).toBe(0)
      expect(await rows(to, 'cache_entries where tags is not null')).toBe(0)
      expect(await to.cache.get('untagged')).toBe(table === 'cache_entries' ? 1 : undefined)
    },
  )

  it('detects a copy even if the ids have caught up', async () => {
    await restore(to, await dumped())
    await spend(to, 40_000)
    const cache = createCache(drizzle(to.pool))
    await cache.invalidate('x')
    expect(await historyFinding(to)).toMatch(/^problem: /)
    await migrate(to.db)
    expect(await rows(to, 'cache_entries where tags is not null')).toBe(0)
    expect(await historyFinding(to)).toMatch(/^ok: /)
  })

  it('keeps everything in a second run', async () => {
    await to.cache.set('tagged', 1, { tags: ['x'] })
    await to.cache.invalidate('y')
    await to.pool.query('vacuum (full, freeze) cache_state')
    await migrate(to.db)
    await migrate(to.db)
    expect(await to.cache.get('tagged')).toBe(1)
    expect(await rows(to, 'cache_invalidations')).toBe(1)
  })
})
