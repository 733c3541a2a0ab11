/** Purges responses by URL, prefix or tag: immediately, or inside a transaction. */
import type { Cache } from '../cache.ts'
import { checkDatabase, type Database, type QueryDatabase } from '../postgres/database.ts'
import { drizzleQuery, markAsOwn } from '../postgres/drizzle-query.ts'
import { purgeHard, purgeSoft } from '../postgres/responses/purge.ts'
import { purgeValues, RESPONSE_NAMESPACE, responseStoreOf, storedUrl } from '../postgres/responses/response-store.ts'
import { wireValues } from '../postgres/wire-values.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { drizzleSql } from '../schema/drizzle-sql.ts'
import type { CacheTables } from '../schema/index.ts'
import type { Sql } from '../schema/sql.ts'
import { nestedScope, ROOT } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import { type PurgeTargets, parseTargets } from './purge-targets.ts'

/**
 * Purges responses and returns their number. Costs one round trip. A response that a handler is producing at that time
 * is not stored.
 *
 * With `tags` alone and without `soft`, this is `cache.invalidate`. It is exact, and its cost does not grow with the
 * number of responses, but it counts nothing and returns 0. A soft purge by tags alone reads every response of the
 * cache.
 *
 * @param cache the cache of `responseCache`, or one created with a transaction
 * @throws InvalidOptionError, InvalidKeyError, DatabaseError, DatabaseTimeoutError
 * @example
 * await purge(cache, { urls: ['https://example.com/blog/42'] })
 * await purge(cache, { prefixes: ['https://example.com/blog/'], soft: true })
 */
export async function purge(cache: Cache, targets: PurgeTargets): Promise<number> {
  const { keys, prefixes, tags, soft, isTagsAlone } = parseTargets(targets)
  const store = responseStoreOf(cache)
  if (tags !== undefined && isTagsAlone && !soft) {
    await cache.invalidate(tags)
    return 0
  }
  if (keys.length === 0 && prefixes.length === 0) return 0
  return store.purge({ bases: keys.map((key) => store.keyOf(key)), prefixes, ...(tags && { tags }), soft })
}

/** Options of {@link purgeStatements}. */
export interface PurgeStatementsOptions {
  /** The namespace of the cache that stores the responses. Default: none, for a cache without a namespace. */
  namespace?: string | undefined
  /** The tables of that cache: the result of `cacheTables({ schema, prefix })`. Default: the exported tables. */
  tables?: CacheTables | undefined
}

/**
 * Returns `purge` as statements for your own batch or transaction. They purge exactly if it commits.
 *
 * The array has the same statement twice. If a response is stored while the first statement waits for its lease, only
 * the second one can see it.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * await db.batch([db.update(posts).set({ title }).where(eq(posts.id, id)), ...purgeStatements(db, { urls: [url] })])
 */
export function purgeStatements(db: Database, targets: PurgeTargets, options?: PurgeStatementsOptions) {
  checkDatabase(db)
  const { namespace, tables } = optionsObject<PurgeStatementsOptions>(options, ['namespace', 'tables'])
  const { keys, prefixes, tags, soft } = parseTargets(targets)
  const scope = nestedScope(namespace === undefined ? ROOT : nestedScope(ROOT, namespace), RESPONSE_NAMESPACE)
  const bases = keys.map((key) => storedUrl(scope, key))
  const values = purgeValues(scope, { bases, prefixes, ...(tags && { tags }), soft })
  const statement = (soft ? purgeSoft : purgeHard).build(checkedTables(tables))
  const [purged, raced] = statement.cells as [Sql, Sql]
  // Null breaks all leases.
  const given = wireValues({ ...values, exceptToken: null })
  const valueFor = (name: string) => given[name]
  const query = () => {
    const built = drizzleQuery(
      db as unknown as QueryDatabase,
      statement,
      {
        purged: drizzleSql<number>(purged, valueFor).mapWith(Number),
        raced: drizzleSql<boolean>(raced, valueFor).mapWith((isRaced) => isRaced === 'true'),
      },
      valueFor,
    )
    markAsOwn(built)
    return built
  }
  return [query(), query()] as const
}
