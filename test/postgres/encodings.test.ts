/** Databases in an encoding that cannot represent every value. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type { DatabaseError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'

const admin = createPool(await createDatabase())

/** Creates a database in this encoding, on the same server. */
async function databaseIn(encoding: string): Promise<string> {
  const url = new URL(await createDatabase())
  const name = url.pathname.slice(1)
  await admin.query(`drop database "${name}"`)
  await admin.query(
    `create database "${name}" encoding '${encoding}' template template0 locale_provider libc lc_collate 'C' lc_ctype 'C'`,
  )
  return url.href
}

describe.each(['LATIN1', 'EUC_JP', 'WIN1252', 'SQL_ASCII'])('a database in %s', (encoding) => {
  it('is refused by migrate, which changes nothing', async () => {
    const pool = createPool(await databaseIn(encoding))
    const db = drizzle({ client: pool })
    const refused = await migrate(db).catch((error: DatabaseError) => error)
    expect(refused).toMatchObject({ sqlState: 'PGSEN', message: expect.stringContaining("encoding 'UTF8'") })
    const { rows } = await pool.query("select from pg_class where relname like 'cache_%'")
    expect(rows).toHaveLength(0)
  })
})
