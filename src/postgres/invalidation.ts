/** `invalidation`: `invalidate` as a statement, for a transaction or a batch of the caller's own. */
import { entityKind, type SQL, type SQLWrapper } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { checkedTables } from '../schema/checked-tables.ts'
import { type CacheTables, defaultTables } from '../schema/index.ts'
import { InvalidKeyError } from '../values/errors.ts'
import { storedTags } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import { invalidateNow } from './operations/invalidate.ts'

export interface InvalidationOptions {
  /** From `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
}

/** A statement for `tx.execute(…)`, `db.execute(…)` and, over neon-http, `db.batch([…])`. */
export interface Invalidation extends SQLWrapper {
  /** What makes it an item of a batch. */
  readonly _: { readonly dialect: 'pg'; readonly result: unknown }
}

/**
 * The invalidation of tags as one statement that joins your own transaction or batch.
 *
 * So it commits or rolls back with the change that it is about: no reader gets the old value once the change is there,
 * and nothing is invalidated by a change that did not happen. Nothing is sent until it is executed.
 *
 * @throws InvalidKeyError, InvalidOptionError
 * @example
 * await db.batch([
 *   db.update(products).set({ price }).where(eq(products.id, id)),
 *   invalidation(`product:${id}`),
 * ])
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.update(products).set({ price }).where(eq(products.id, id))
 *   await tx.execute(invalidation(`product:${id}`))
 * })
 */
export function invalidation(tags: string | Iterable<string>, options?: InvalidationOptions): Invalidation {
  // Ignoring a missing tag would silently leave old data in place.
  if (tags === undefined) throw new InvalidKeyError('Expected a tag or an iterable of tags, got undefined.')
  const { tables = defaultTables } = optionsObject<InvalidationOptions>(options, ['tables'])
  return new InvalidationStatement(invalidateNow(checkedTables(tables), storedTags(tags) ?? []))
}

/**
 * SQL with what a batch of Drizzle's asks of a query besides: a raw `sql` cannot be in one, and a query builder's query
 * would need the database.
 */
class InvalidationStatement implements Invalidation {
  static readonly [entityKind] = 'PgstashInvalidation'
  declare readonly _: Invalidation['_']
  readonly #statement: SQL

  constructor(statement: SQL) {
    this.#statement = statement
  }

  getSQL(): SQL {
    return this.#statement
  }

  /** What neon-http's batch calls, of Drizzle 0.45 and of 1.0. */
  _prepare() {
    return {
      getQuery: () => new PgDialect().sqlToQuery(this.#statement),
      isResponseInArrayMode: () => false,
      mode: 'raw',
      mapResult: (result: unknown) => result,
    }
  }
}
