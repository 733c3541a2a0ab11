/** `cacheQuery`: runs any Drizzle query through `getOrSet`, with tags. */
import { entityKind } from 'drizzle-orm'
import { engineOf } from '../cache/engine.ts'
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { cachedRun, type Replayable, toReplayable } from './cached-run.ts'
import { identityOf } from './identity.ts'
import { valuesText } from './rows.ts'
import { isInTransaction, type Session, sessionOf } from './session.ts'
import { tablesIn } from './table-names.ts'
import { tableTag } from './tags.ts'

/** A Drizzle query that was not awaited yet: a select or a relational query. */
export interface CacheableQuery<T> extends PromiseLike<T> {
  /** Returns the SQL of the query and its parameters. */
  toSQL(): { sql: string; params: unknown[] }
}

/** Options of {@link cacheQuery}. */
export interface CacheQueryOptions extends GetOrSetOptions {
  /** Tags the result with the tables that the query reads; default true. */
  autoInvalidate?: boolean | undefined
  /**
   * Names everything else that the result depends on: the tenant, the role, the `search_path`. The entry's key contains
   * its hash. If the driver does not show its database (pg-proxy, PGlite), `key` also names the database. Default:
   * none.
   */
  key?: string | undefined
}

/** Drizzle's names of builders that write, in 0.45 and 1.0. */
const WRITES = /^Pg(?:Async)?(?:Insert|Update|Delete|RefreshMaterializedView)$/
/** A CTE that writes, within a select. */
const WRITING_CTE = /\(\s*(?:insert\s+into|update\s|delete\s+from|merge\s+into)\b/i
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"/g

/**
 * Returns the result of a query, from the cache or from the database.
 *
 * A hit has the same types as the query itself: the cache stores the rows as the driver returned them, and the query
 * decodes them.
 *
 * The key contains the SQL, the parameters with their types, and a hash of the database, its user and the token of
 * `$withAuth`. It cannot contain settings that only the database knows: row-level security by session settings, a role,
 * a `search_path` that was set after connecting. Name these with `key`, or use a namespace for each tenant.
 *
 * Everything that `getOrSet` does applies: single flight, stale values, tags. The cache refuses a fill if its data
 * changed meanwhile. A change of any table in the query invalidates its result. Two kinds of tables are not recognised:
 * tables that raw SQL names in its text, and tables behind a view declared with `existing()`. Tag these yourself:
 * `tags: [tableTag(users)]`.
 *
 * A result that cannot be stored (an instance of a driver's class, or more than `maxValueBytes`) is returned uncached,
 * and reported as an `error` event.
 *
 * @throws InvalidOptionError for a query that writes or is part of a transaction; any error of `getOrSet` or the query
 * @example
 * const query = db.select().from(posts).where(eq(posts.authorId, id))
 * const rows = await cacheQuery(cache, query, { expiration: '10m', tags: [`author:${id}`] })
 */
export function cacheQuery<T>(cache: Cache, query: CacheableQuery<T>, options: CacheQueryOptions = {}): Promise<T> {
  return cacheQueryCounted(cache, query, options, () => {})
}

/** Does the same, and calls `onSend` when the query is sent. */
export async function cacheQueryCounted<T>(
  cache: Cache,
  query: CacheableQuery<T>,
  options: CacheQueryOptions,
  onSend: () => void,
): Promise<T> {
  const { sql, params, session } = checkedQuery(query)
  const { autoInvalidate = true, tags = [], key, ...rest } = options
  if (key !== undefined && (typeof key !== 'string' || key === '')) {
    throw new InvalidOptionError(`Expected key to be a string of at least one character, got ${describeType(key)}.`)
  }
  const content = `${sql} ${paramsText(params)}`
  const run = toReplayable(query)
  const counted: Replayable<T> = {
    ...run,
    send() {
      onSend()
      return run.send()
    },
  }
  const identity = await identityOf(session, key)
  if (identity === undefined) return (await sendUncached(cache, counted)).result
  const tables = autoInvalidate ? tablesIn(query) : []
  return cachedRun(cache, `query:sql:${content} ${run.rowMode} ${identity}`, counted, {
    ...rest,
    tags: [...(typeof tags === 'string' ? [tags] : tags), ...tables.map(tableTag)],
  })
}

/** @throws InvalidOptionError */
function checkedQuery(query: CacheableQuery<unknown>): {
  sql: string
  params: readonly unknown[]
  session: Session | undefined
} {
  if (typeof query?.toSQL !== 'function' || typeof query.then !== 'function') {
    throw new InvalidOptionError(`Expected a Drizzle query that was not awaited yet, got ${describeType(query)}.`)
  }
  const kind = String(Reflect.get(query.constructor, entityKind))
  const { sql, params } = query.toSQL()
  // Refuse a query that writes, because a second call would be a hit, and would write nothing.
  if (WRITES.test(kind) || WRITING_CTE.test(sql.replace(QUOTED, ''))) {
    throw new InvalidOptionError('Expected a query that only reads, got a query that writes.')
  }
  const session = sessionOf(query)
  if (session !== undefined && isInTransaction(session)) {
    throw new InvalidOptionError(
      'Expected a query outside of transactions and of single connections: there, only the database knows which settings and uncommitted rows the query reads. Call getOrSet around the transaction instead, with a key that names them.',
    )
  }
  return { sql, params, session }
}

/** Runs the query without the cache, because its rows may depend on a token that this code cannot see. */
function sendUncached<T>(cache: Cache, query: Replayable<T>) {
  const engine = engineOf(cache)
  const error = new InvalidOptionError(
    'Expected the neon() function of a single copy of @neondatabase/serverless whose connection string and token can be resolved; the query runs uncached.',
  )
  engine?.emit?.({ type: 'error', operation: 'cacheQuery', error, durationMs: 0, ...noCost() })
  return query.send()
}

function paramsText(params: readonly unknown[]): string {
  try {
    return valuesText(params)
  } catch {
    throw new InvalidOptionError(
      'Expected parameters that differ by their content: pass plain values, not instances of your own classes.',
    )
  }
}
