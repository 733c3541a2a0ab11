/** Caches on separate servers, and rows that move between them as with a dump. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { createPool } from '../setup/databases.ts'

export const TABLES = ['cache_entries', 'cache_leases', 'cache_invalidations', 'cache_state'] as const
export type Dump = Record<string, string>

export interface Site {
  pool: pg.Pool
  db: ReturnType<typeof drizzle>
  cache: Cache
}

export async function siteOf(url: string): Promise<Site> {
  const pool = createPool(url, { max: 5 })
  const db = drizzle(pool)
  await migrate(db)
  return { pool, db, cache: createCache(db, { timeout: 60_000 }) }
}

/** Consumes this many transaction ids. */
export async function spend({ pool }: Site, count: number): Promise<void> {
  await pool.query(`do $$ begin for i in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`)
}

export async function dump({ pool }: Site): Promise<Dump> {
  const texts: Dump = {}
  for (const table of TABLES) {
    texts[table] = (await pool.query(`select coalesce(json_agg(t), '[]')::text as rows from ${table} t`)).rows[0].rows
  }
  return texts
}

export async function restore({ pool }: Site, texts: Dump): Promise<void> {
  for (const table of TABLES) {
    const { rows } = await pool.query(
      `select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and attgenerated = ''`,
      [table],
    )
    await pool.query(`truncate ${table}`)
    await pool.query(
      `insert into ${table} (${rows[0].columns}) select ${rows[0].columns} from json_populate_recordset(null::${table}, $1)`,
      [texts[table]],
    )
  }
}

export async function rows({ pool }: Site, text: string): Promise<number> {
  return Number((await pool.query(`select count(*) from ${text}`)).rows[0].count)
}
