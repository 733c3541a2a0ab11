/** `withInvalidation`: a Drizzle database whose writes invalidate the entries that depend on the written tables. */
import { QueryPromise, type SQL, type SQLWrapper, sql, type Table, type View } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { checkDatabase, type Database, primary } from '../postgres/database.ts'
import { isOwnStatement } from '../postgres/drizzle-query.ts'
import { createInvalidation, type Invalidation } from '../postgres/invalidation.ts'
import { noteGivenTags } from '../postgres/operations/invalidate.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { drizzleSql } from '../schema/drizzle-sql.ts'
import type { CacheTables } from '../schema/index.ts'
import { doBlock, literal } from '../schema/sql-text.ts'
import type { TableNames } from '../schema/table-names.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import type { Taggable } from './relation.ts'
import { cascades, drizzleName, tablesIn } from './table-names.ts'
import { tableTag } from './tags.ts'

/** Options of {@link withInvalidation}. */
export interface WithInvalidationOptions {
  /** Your schema. Writes then also invalidate the tables that foreign keys cascade to. Default: none. */
  schema?: Readonly<Record<string, unknown>> | undefined
  /** The result of `cacheTables({ schema, prefix })`. Default: the exported tables. */
  tables?: CacheTables | undefined
}

/** The method that {@link withInvalidation} adds to a database. */
export interface Touching<Db extends Database> {
  /** The same database, for raw SQL that writes these tables: `db.touching(posts).execute(sql.raw(text))`. */
  touching(...tables: Taggable[]): Pick<Db, 'execute'>
}

/** A name that no query of the user has. */
const CTE = 'pgstash_invalidated'
/** Words of statements that write. A name or a string in the SQL that contains one of these words counts too. */
const WRITES = /\b(insert|update|delete|merge|truncate|copy|call|do|into|refresh|execute)\b/i

type Method = (...args: unknown[]) => unknown

/**
 * Wraps a database so that its writes invalidate exactly: in the same statement, over any driver, also in a batch or a
 * transaction.
 *
 * `insert`, `update` and `delete` carry the invalidation with them, and cost no further round trip. `execute` sends raw
 * SQL that writes, and its invalidation, as one batch or transaction. It invalidates the tables that the SQL names as
 * Drizzle tables, or the tables given to `touching`. `refreshMaterializedView` invalidates the view in the same
 * statement. If `db` is a `withReplicas`, every write goes to the primary. Writes that bypass this database invalidate
 * nothing: use `watchTables` for those.
 *
 * @throws InvalidOptionError
 * @example
 * const db = withInvalidation(drizzle(env.DATABASE_URL), { schema })
 * await db.batch([
 *   db.update(posts).set({ title }).where(eq(posts.id, id)),
 *   db.insert(edits).values({ postId: id }),
 * ])
 */
export function withInvalidation<Db extends Database>(db: Db, options?: WithInvalidationOptions): Db & Touching<Db> {
  checkDatabase(db)
  const given = optionsObject<WithInvalidationOptions>(options, ['schema', 'tables'])
  const tables = checkedTables(given.tables ?? undefined)
  const affected = cascades(given.schema ?? {})
  return wrapDatabase(db, {
    tagsOf: (written) => affected(written).map(tableTag),
    tables,
  })
}

interface WrapSettings {
  readonly tables: TableNames
  readonly tagsOf: (written: readonly string[]) => readonly string[]
}

function wrapDatabase<Db extends Database>(db: Db, settings: WrapSettings): Db & Touching<Db> {
  // With replicas, Drizzle sends `with(…)` to one of them, and its spread loses the primary's `batch`.
  const writable = primary(db)
  const method = (name: string, on: Database = writable) => (Reflect.get(on, name) as Method | undefined)?.bind(on)
  const writing =
    (name: 'insert' | 'update' | 'delete', ctes: readonly unknown[]) =>
    (table: Table, ...rest: unknown[]) => {
      const builders = Object(method('with')?.(...ctes, invalidationCte(writable, settings, table))) as Record<
        string,
        Method
      >
      return builders[name]?.(table, ...rest)
    }
  const [inner, batch] = [Reflect.get(db, '$primary') as Database | undefined, method('batch')]
  const added = {
    touching: (...touched: Taggable[]) => ({
      execute: (query: SQLWrapper | string, ...rest: unknown[]) =>
        execute(writable, settings, query, rest, touched.map(drizzleName)),
    }),
    ...(batch && { batch }),
  }
  const own: Record<string, unknown> = {
    ...added,
    insert: writing('insert', []),
    update: writing('update', []),
    delete: writing('delete', []),
    with: (...ctes: unknown[]) => ({
      ...Object(method('with', db)?.(...ctes)),
      insert: writing('insert', ctes),
      update: writing('update', ctes),
      delete: writing('delete', ctes),
    }),
    refreshMaterializedView: (view: View) =>
      refreshAndInvalidate(Object(method('refreshMaterializedView')?.(view)), settings, view),
    execute: (query: SQLWrapper | string, ...rest: unknown[]) => execute(writable, settings, query, rest),
    transaction: (work: (tx: Database) => unknown, ...rest: unknown[]) =>
      method('transaction')?.((tx: Database) => work(wrapDatabase(tx, settings)), ...rest),
    ...(inner && { $primary: wrapDatabase(inner, settings) }),
  }
  // The target only inherits from the database. Drizzle 1.0 makes `$primary` read-only, and a proxy must return a
  // read-only value.
  return new Proxy(Object.create(db), {
    get: (_target, name) => (Object.hasOwn(own, name) ? Reflect.get(own, name) : Reflect.get(db, name)),
    set: (_target, name, value) => Reflect.set(db, name, value),
    // Drizzle 0.45's withReplicas spreads the primary, and would lose inherited properties.
    ownKeys: () => [...new Set([...Reflect.ownKeys(db), ...Object.keys(added)])],
    getOwnPropertyDescriptor(_target, name) {
      const found = Reflect.getOwnPropertyDescriptor(db, name) ?? Reflect.getOwnPropertyDescriptor(added, name)
      return found && { ...found, configurable: true }
    },
  }) as Db & Touching<Db>
}

/**
 * Returns a refresh that invalidates its view.
 *
 * It is one `do` block, because Postgres accepts no CTE before `refresh`, and only one statement fits into a batch
 * item.
 */
function refreshAndInvalidate(query: SQLWrapper, { tables, tagsOf }: WrapSettings, view: View): SQLWrapper {
  const refresh = query.getSQL.bind(query)
  const tags = tagsOf([drizzleName(view)]).map((tag) => `(${literal(tag)})`)
  const note = `insert into ${tables.invalidations.text} (tag) values ${tags.join(', ')} on conflict do nothing;`
  // The builder belongs to this call. Replacing its SQL keeps its other methods: concurrently(), prepare(), batches.
  return Object.assign(query, { getSQL: () => sql.raw(doBlock('', `${textOf(refresh())};\n${note}`)) })
}

/** Returns the invalidation as a CTE. Postgres runs it even if the statement does not refer to it. */
function invalidationCte(db: Database, { tables, tagsOf }: WrapSettings, table: Table): unknown {
  const named = (Reflect.get(db, '$with') as (name: string, fields: object) => { as(query: SQL): unknown }).call(
    db,
    CTE,
    {},
  )
  const tags = JSON.stringify(tagsOf([drizzleName(table)]))
  return named.as(sql`${drizzleSql(noteGivenTags(tables), () => tags)} returning 1`)
}

/**
 * Runs raw SQL, together with the invalidation if it writes. Like every Drizzle query, it sends nothing until it is
 * awaited.
 */
function execute(
  db: Database,
  settings: WrapSettings,
  query: SQLWrapper | string,
  rest: readonly unknown[],
  touched?: readonly string[],
): PromiseLike<unknown> {
  const run = (on: Database) => (on.execute as (...args: unknown[]) => PromiseLike<unknown>).call(on, query, ...rest)
  if (isOwnStatement(query)) return run(db)
  if (touched === undefined && !WRITES.test(textOf(query))) return run(db)
  return new RawWrite(async () => {
    const written = touched ?? tablesIn(query)
    if (written.length === 0) {
      throw new InvalidOptionError(
        'Expected raw SQL that writes to contain its tables as Drizzle tables, or touching(…) to name them, got neither.',
      )
    }
    return runTogether(db, run, createInvalidation(settings.tables, settings.tagsOf(written)))
  })
}

class RawWrite extends QueryPromise<unknown> {
  readonly #send: () => Promise<unknown>

  constructor(send: () => Promise<unknown>) {
    super()
    this.#send = send
  }

  override execute(): Promise<unknown> {
    return this.#send()
  }

  /** A batch calls this. It throws, because a batch item is one statement, and this write needs two. */
  _prepare(): never {
    throw new InvalidOptionError(
      'Expected raw SQL that writes to be outside of a batch. In a batch, pass the SQL of the unwrapped database, and invalidation(…).',
    )
  }
}

/** Runs both statements in one transaction: as a batch if the driver has one, otherwise in its own transaction. */
async function runTogether(
  db: Database,
  run: (on: Database) => PromiseLike<unknown>,
  statement: Invalidation,
): Promise<unknown> {
  const { batch, transaction } = db as { batch?: Method; transaction?: Method }
  if (typeof batch === 'function') {
    const [result] = (await batch.call(db, [run(db), statement])) as unknown[]
    return result
  }
  if (typeof transaction !== 'function') {
    throw new InvalidOptionError(`Expected a database with batch or transaction, got ${describeType(db)}.`)
  }
  return transaction.call(db, async (tx: Database) => {
    const result = await run(tx)
    await tx.execute(statement.getSQL())
    return result
  })
}

function textOf(query: SQLWrapper | string): string {
  return typeof query === 'string' ? query : new PgDialect().sqlToQuery(query.getSQL()).sql
}
