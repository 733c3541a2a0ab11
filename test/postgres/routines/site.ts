/** A migrated database over HTTP, and a look at its routines. */

import type pg from 'pg'
import { type CacheOptions, createCache } from 'pgstash'
import { type MigrateOptions, migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { cleanup } from '../../setup/cleanup.ts'
import { createDatabase, createPool } from '../../setup/databases.ts'
import { createNeon } from '../../setup/neon.ts'

export interface Installed {
  readonly oid: string
  readonly xmin: string
  readonly name: string
  readonly schema: string
}

/** Without options it is not migrated. */
export async function createSite(options?: MigrateOptions) {
  // A separate database, because a process remembers for its tables that the routines are missing.
  const tables = options?.tables ?? cacheTables()
  const url = await createDatabase()
  const pool = createPool(url)
  const neon = await createNeon(url)
  if (options !== undefined) await migrate(neon.db, { tables, ...options })
  neon.faults.reset()
  return {
    ...neon,
    url,
    pool,
    tables,
    create: (given: CacheOptions = {}) => createCache(neon.db, { tables, timeout: 60_000, ...given }),
    /** True for each request since the last reset that called a routine. */
    calls: () => neon.faults.log.map(({ sql }) => isCall(sql[0] ?? '')),
  }
}

/** True if a statement calls a routine. */
export function isCall(statement: string): boolean {
  return /^select [^()]* from (?:"[^(]+"\.)?"[^(]*cache_[a-z0-9_]+_[0-9a-f]{8}"\(/.test(statement)
}

/** The routines of all caches and versions. */
export async function installed(pool: pg.Pool): Promise<Installed[]> {
  const { rows } = await pool.query<Installed>(
    `select p.oid::text, p.xmin::text, p.proname::text as name, n.nspname::text as schema
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where p.proname ~ 'cache_.*_[0-9a-f]{8}$' and p.prosrc like '%#variable_conflict use_column%' order by 4, 3`,
  )
  return rows
}

export type Site = Awaited<ReturnType<typeof createSite>>

/** A new role that may log in. @param grants each without the role's name, which is appended */
export async function createRole({ url, pool }: Pick<Site, 'url' | 'pool'>, ...grants: string[]) {
  const name = `role_${crypto.randomUUID().slice(0, 8)}`
  await pool.query(`create role ${name} login password 'p'`)
  cleanup(() => pool.query(`drop owned by ${name}; drop role ${name}`))
  for (const grant of grants) await pool.query(`${grant} ${name}`)
  const own = createPool(asRole(url, name), { max: 1 })
  return { name, query: (text: string) => own.query(text) }
}

/** The same database, as that role. */
export function asRole(url: string, name: string): string {
  return Object.assign(new URL(url), { username: name, password: 'p' }).href
}

/** The recorded sets, and whether each is current. */
export async function setsOf({ pool }: Site): Promise<Record<string, boolean>> {
  const { rows } = await pool.query(
    "select name, value::jsonb ? 'replacedAt' as old from cache_state where name like 'routines %'",
  )
  return Object.fromEntries(rows.map(({ name, old }) => [name.replace('routines ', ''), !old]))
}
