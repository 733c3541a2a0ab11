/** `invalidation`: invalidates tags as a statement, for the caller's own transaction or batch. */
import type { SQL, SQLWrapper } from 'drizzle-orm'
import { checkedTables } from '../schema/checked-tables.ts'
import { drizzleSql } from '../schema/drizzle-sql.ts'
import type { CacheTables } from '../schema/index.ts'
import { numberParameters, type Sql } from '../schema/sql.ts'
import type { TableNames } from '../schema/table-names.ts'
import { InvalidKeyError } from '../values/errors.ts'
import { storedTags } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import { ENTITY_KIND } from './drivers/session-kind.ts'
import { markAsOwn } from './drizzle-query.ts'
import { noteGivenTags } from './operations/invalidate.ts'

/** Options of {@link invalidation}. */
export interface InvalidationOptions {
  /** The result of `cacheTables({ schema, prefix })`. Default: the exported tables. */
  tables?: CacheTables | undefined
}

/**
 * A statement for Drizzle's `tx.execute(…)`, `db.execute(…)` and, over neon-http, `db.batch([…])`. A client of `pg`
 * accepts it unchanged: `client.query(…)`. For other drivers, pass its `text` and `values`.
 */
export interface Invalidation extends SQLWrapper {
  /** Makes it an item of a Drizzle batch. */
  readonly _: { readonly dialect: 'pg'; readonly result: unknown }
  /** The SQL, with `$1` for its only parameter. */
  readonly text: string
  /** The value of the parameter. */
  readonly values: string[]
}

/**
 * Returns a statement that invalidates tags as part of your own transaction or batch.
 *
 * The statement commits or rolls back with your change. So once the change is visible, no reader gets the old value,
 * and a change that rolls back invalidates nothing. Nothing is sent until you execute the statement.
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
 * @example
 * const { text, values } = invalidation(`product:${id}`)
 * await sql.transaction([sql`update products set price = ${price} where id = ${id}`, sql.query(text, values)])
 */
export function invalidation(tags: string | Iterable<string>, options?: InvalidationOptions): Invalidation {
  // Ignoring a missing tag would silently leave old data in place.
  if (tags === undefined) throw new InvalidKeyError('Expected a tag or an iterable of tags, got undefined.')
  const { tables } = optionsObject<InvalidationOptions>(options, ['tables'])
  return createInvalidation(checkedTables(tables), tags)
}

/** @throws InvalidKeyError */
export function createInvalidation(tables: TableNames, tags: string | Iterable<string>): Invalidation {
  return new InvalidationStatement(noteGivenTags(tables), JSON.stringify(storedTags(tags) ?? []))
}

/**
 * SQL with the method that a Drizzle batch calls. A raw `sql` cannot be in a batch, and a query builder would need the
 * database.
 */
class InvalidationStatement implements Invalidation {
  static readonly [ENTITY_KIND] = 'PgstashInvalidation'
  declare readonly _: Invalidation['_']
  // These are plain properties, because pg copies only a statement's plain properties.
  readonly text: string
  readonly values: string[]
  readonly #statement: SQL

  /** @param tags the value of the statement's only parameter */
  constructor(statement: Sql, tags: string) {
    this.text = numberParameters(statement).text
    this.values = [tags]
    this.#statement = drizzleSql(statement, () => tags)
    for (const each of [this, this.#statement]) markAsOwn(each)
  }

  getSQL(): SQL {
    return this.#statement
  }

  /** Called by neon-http's batch in Drizzle 0.45 and 1.0. */
  _prepare() {
    return {
      getQuery: () => ({ sql: this.text, params: this.values }),
      isResponseInArrayMode: () => false,
      mode: 'raw',
      mapResult: (result: unknown) => result,
    }
  }
}
