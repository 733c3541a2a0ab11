/** `pgstash/migrate`: creates and updates the cache's tables, over any driver, HTTP included. */
import { sql } from 'drizzle-orm'
import { databaseOver } from '../postgres/connections/client-database.ts'
import { type DatabaseSource, openDatabase } from '../postgres/database.ts'
import { databaseFailure } from '../postgres/failure.ts'
import { withRetries } from '../postgres/retry.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { type MigrateOptions, migrationSql } from './migration-sql.ts'
import { otherEngine } from './other-engine.ts'
import { refusal } from './refusal.ts'

export { type MigrateOptions, migrationSql } from './migration-sql.ts'

/**
 * Creates the tables or brings them up to date, and applies the storage settings.
 *
 * Idempotent, and safe if several processes migrate at once. One round trip and one transaction, so a failure changes
 * nothing. The role needs the right to create tables in the schema, and owns the tables afterwards. `migrate` refuses
 * tables with these names that are not a cache's tables. It also refuses tables that belong to a role whose code must
 * not run with this role's rights.
 *
 * @param source the database, in any form that `createCache` takes
 * @throws InvalidOptionError, DatabaseError
 * @example
 * import { migrate } from 'pgstash/migrate'
 *
 * await migrate(env.DATABASE_URL)
 */
export async function migrate(source: DatabaseSource, options?: MigrateOptions): Promise<void> {
  const statement = sql.raw(migrationSql(options))
  const db = await openDatabase(source, databaseOver)()
  await withRetries('always', async () => {
    try {
      await db.execute(statement)
    } catch (error) {
      const failure = databaseFailure(error)
      throw (await otherEngine(db, failure)) ?? refusal(failure, checkedTables(options?.tables ?? undefined))
    }
  })
}
