/** `cacheQuery`: any Drizzle query through `getOrSet`, with tags in pgstash's sense. */
import { entityKind } from 'drizzle-orm'
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { valuesOf, valuesText } from './rows.ts'
import { shapeOf } from './shape.ts'
import { tablesIn } from './table-names.ts'
import { tableTag } from './tags.ts'

/** What all of Drizzle's queries have: selects, relational queries, raw ones with a `toSQL`. */
export interface CacheableQuery<T> extends PromiseLike<T> {
  toSQL(): { sql: string; params: unknown[] }
}

export interface CacheQueryOptions extends GetOrSetOptions {
  /** Tags the result with the tables that the query reads; default true. */
  autoInvalidate?: boolean | undefined
}

/** Of builders, in 0.45 and 1.0. */
const WRITES = /^Pg(?:Async)?(?:Insert|Update|Delete)$/

/**
 * The result of a query, from the cache or from the database; keyed by its SQL, its parameters with their types, and what it
 * makes of its rows.
 *
 * All of `getOrSet` applies: one computation for all, stale values, tags, and fills that a change overtook are refused. A
 * change of any table in the query invalidates its result, except of tables that raw SQL names in its text, and of those
 * behind a view that is only named (`existing()`): name those yourself, `tags: [tableTag(users)]`.
 *
 * @throws InvalidOptionError, and what `getOrSet` and the query throw
 * @example
 * const query = db.select().from(posts).where(eq(posts.authorId, id))
 * const rows = await cacheQuery(cache, query, { expiration: '10m', tags: [`author:${id}`] })
 */
export async function cacheQuery<T>(
  cache: Cache,
  query: CacheableQuery<T>,
  options: CacheQueryOptions = {},
): Promise<T> {
  if (typeof query?.toSQL !== 'function' || typeof query.then !== 'function') {
    throw new InvalidOptionError(`Expected a Drizzle query that was not awaited yet, got ${describeType(query)}.`)
  }
  // The second time it would be answered from the cache, and nothing written.
  if (WRITES.test(String(Reflect.get(query.constructor, entityKind)))) {
    throw new InvalidOptionError('Expected a query that reads, got an insert, update or delete.')
  }
  const { autoInvalidate = true, tags = [], ...rest } = options
  const { sql, params } = query.toSQL()
  const tables = autoInvalidate ? tablesIn(query) : []
  // As text, and not as a value of the cache's codec: a row may hold what that does not keep.
  const key = `query:sql:${sql} ${paramsText(params)} ${shapeOf(query)}`
  const text = await cache.getOrSet(key, async () => valuesText(await query), {
    ...rest,
    tags: [...(typeof tags === 'string' ? [tags] : tags), ...tables.map(tableTag)],
  })
  return valuesOf(text) as T
}

function paramsText(params: readonly unknown[]): string {
  try {
    return valuesText(params)
  } catch {
    throw new InvalidOptionError(
      'Expected parameters that are told apart by their content: no objects of classes of your own.',
    )
  }
}
