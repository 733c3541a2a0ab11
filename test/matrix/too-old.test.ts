/** The messages for servers that are too old. `npm run matrix` runs this on such servers. */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache, DatabaseError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { run } from '../cli/command.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const url = await createDatabase()
const db = drizzle({ client: createPool(url) })
const { rows } = await db.execute(sql`select current_setting('server_version_num')::int / 10000 as major`)
const isTooOld = Number(rows[0]?.major) < 14
const NEEDS = 'pgstash needs Postgres 14 or newer.'

describe('a Postgres that is too old', () => {
  it('is refused by migrate, which changes nothing', async () => {
    const migrated = await migrate(db).catch((error: DatabaseError) => error)
    if (isTooOld) expect(migrated).toMatchObject({ sqlState: 'PGS14', message: NEEDS })
    else expect(migrated).toBe(undefined)
    const { rows: tables } = await db.execute(sql`select 1 from pg_class where relname like 'cache_%'`)
    expect(tables.length > 0).toBe(!isTooOld)
  })

  it('is refused by the command as well', async () => {
    const { code, err } = await run(['migrate'], { DATABASE_URL: url })
    expect(code).toBe(isTooOld ? 3 : 0)
    expect(err.includes(NEEDS)).toBe(isTooOld)
  })

  it('is named by doctor', async () => {
    const { code, out } = await run(['doctor'], { DATABASE_URL: url })
    if (!isTooOld) return
    expect(code).toBe(1)
    expect(out).toContain('pgstash needs 14 or newer')
  })

  it('answers a cache with an error that says what to do', async () => {
    const cache = createCache(db, { warn: false })
    if (isTooOld) await expect(cache.get('key')).rejects.toBeInstanceOf(DatabaseError)
    else expect(await cache.get('key')).toBe(undefined)
  })
})
