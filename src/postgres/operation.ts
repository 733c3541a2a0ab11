/** Declares operations. Each has one statement, the columns of its answer, and a rule for sending it again. */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { CacheTables } from '../schema/index.ts'
import type { Preparable, QueryDatabase } from './database.ts'
import type { Kind } from './kinds.ts'

/**
 * Whether a statement may be sent again after a failure that leaves its effect unknown.
 *
 * `always` is for reads, and for statements that carry a token made by the client. `unsent` is for all others: they may
 * be sent again only if the first certainly never reached the server, because it may have committed. `never` applies
 * inside a transaction, because the failure ended it.
 */
export type Repeatable = 'always' | 'unsent' | 'never'

/** The number of rows of an answer. */
export type Cardinality = 'one' | 'at most one' | 'at least one' | 'any number'

/** Each column of an answer and its kind, in order. */
export type Columns<Row> = { readonly [Name in keyof Row]: Kind<Row[Name]> }

/** The type of a row with these columns. */
export type RowOf<Of> = { readonly [Name in keyof Of]: Of[Name] extends Kind<infer T> ? T : never }

/** The expression of each column. */
type Expressions<Row> = { readonly [Name in keyof Row]: SQLWrapper }

/** Selects the operation's declared columns, each as text. */
export type Answer<Row> = (
  from: { select: QueryDatabase['select'] },
  expressions: Expressions<Row>,
) => ReturnType<typeof select>

export interface Definition<Row> {
  /**
   * Lower-case words and underscores. Unique, because the answer carries the name, and the routine is named after it.
   */
  readonly name: string
  readonly repeatable: Repeatable
  readonly rows: Cardinality
  readonly columns: Columns<Row>
  /**
   * True if the runner calls the routine even if statements stay prepared. One reason is that the routine handles the
   * usual cases at a lower cost. The other is that the statement may read very many rows. Its estimate can then cross
   * `jit_above_cost`, and only a routine can turn off JIT compilation, which would take longer than the statement.
   */
  readonly prefersRoutine?: boolean
  readonly build: Build<Row>
}

/** Builds a statement of an operation. */
export type Build<Row> = (db: QueryDatabase, tables: CacheTables, answer: Answer<Row>) => Preparable

/**
 * How an answer proves that it belongs to its operation. If the driver returns the names of columns, the first column
 * has the operation's name, at no cost. Drizzle returns only cells, so each row has one more cell at its end.
 */
export type Mark = 'column name' | 'last cell'

export interface Operation<Row> {
  readonly name: string
  readonly repeatable: Repeatable
  readonly rows: Cardinality
  readonly columns: Columns<Row>
  readonly prefersRoutine?: boolean
  readonly build: (db: QueryDatabase, tables: CacheTables, mark?: Mark) => Preparable
}

/** The field that holds the mark in a row from Drizzle. */
export const MARK = 'pgstash'

/**
 * Declares an operation.
 *
 * @example
 * const has = operation({
 *   name: 'has',
 *   repeatable: 'always',
 *   rows: 'at most one',
 *   columns: { found: integer },
 *   build: (db, tables, answer) => answer(db, { found: sql`1` }).from(tables.entries).where(live(tables)),
 * })
 */
export function operation<Row>(definition: Definition<Row>): Operation<Row> {
  return { ...definition, build: withAnswer(definition, definition.build) }
}

/** Wraps a build so that it selects the columns of an operation. */
export function withAnswer<Row>(
  operation: Pick<Definition<Row>, 'name' | 'columns'>,
  build: Build<Row>,
): Operation<Row>['build'] {
  return (db, tables, mark = 'column name') =>
    build(db, tables, (from, expressions) => select(from, fieldsOf(operation, expressions, mark)))
}

type Fields = Record<string, SQL | SQL.Aliased>

function select(from: { select: QueryDatabase['select'] }, fields: Fields) {
  return from.select(fields)
}

function fieldsOf<Row>(
  { name, columns }: Pick<Definition<Row>, 'name' | 'columns'>,
  expressions: Expressions<Row>,
  mark: Mark,
): Fields {
  const fields: Fields = {}
  for (const [column, kind] of entriesOf(columns)) {
    const text = kind.toText(expressions[column as keyof Row])
    const isFirst = Object.keys(fields).length === 0
    fields[column] = isFirst && mark === 'column name' ? text.as(name) : text
  }
  if (mark === 'last cell') fields[MARK] = sql.raw(`'${name}'`)
  return fields
}

/** Lists the columns of an operation in the order of its answer. */
export function entriesOf<Row>(columns: Columns<Row>): [string, Kind<unknown>][] {
  return Object.entries<Kind<unknown>>(columns)
}
