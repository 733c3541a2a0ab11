/** Declares operations. Each has one statement, the columns of its answer, and a rule for sending it again. */
import { join, quoteName, raw, type Sql, sql } from '../schema/sql.ts'
import type { TableNames } from '../schema/table-names.ts'
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

/** A common table expression. */
export interface Cte {
  readonly name: string
  readonly query: Sql
}

/**
 * Names the query of a template.
 *
 * @example
 * const found = cte('found')`select from ${entries} where ${isLive(tables)}`
 */
export function cte(name: string): (strings: TemplateStringsArray, ...parts: readonly (Sql | number)[]) => Cte {
  return (strings, ...parts) => ({ name, query: sql(strings, ...parts) })
}

/** A query whose columns are those of an operation. */
export interface Query<Row> {
  readonly with?: readonly Cte[]
  /** The expression of each column. */
  readonly select: { readonly [Name in keyof Row]: Sql }
  /** The text after `from`: tables, conditions, order and limit. */
  readonly from: Sql
}

/** Builds a query of an operation. */
export type Build<Row> = (tables: TableNames) => Query<Row>

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
   * usual cases at a lower cost. The other is that the statement may read very many rows. Postgres might then compile
   * it, which takes longer than running it, and only a routine can turn that off.
   */
  readonly prefersRoutine?: boolean
  readonly build: Build<NoInfer<Row>>
}

/**
 * How an answer proves that it belongs to its operation. If the driver returns the names of columns, the first column
 * has the operation's name, at no cost. Other drivers return only cells, so each row has one more cell at its end.
 */
export type Mark = 'column name' | 'last cell'

/** The parts of a statement. Each cell is text. The first has the operation's name. */
export interface Statement {
  readonly with: readonly Cte[]
  readonly cells: readonly Sql[]
  readonly from: Sql
}

export interface Operation<Row> {
  readonly name: string
  readonly repeatable: Repeatable
  readonly rows: Cardinality
  readonly columns: Columns<Row>
  readonly prefersRoutine?: boolean
  readonly build: (tables: TableNames) => Statement
}

/**
 * Declares an operation.
 *
 * @example
 * const has = operation({
 *   name: 'has',
 *   repeatable: 'always',
 *   rows: 'at most one',
 *   columns: { found: integer },
 *   build: (tables) => ({ select: { found: sql`1` }, from: sql`${tables.entries} where ${isLive(tables)}` }),
 * })
 */
export function operation<Row>(definition: Definition<Row>): Operation<Row> {
  return { ...definition, build: withCells(definition, definition.build) }
}

/** Wraps a build so that it selects each column of an operation as text. */
export function withCells<Row>(
  { name, columns }: Pick<Definition<Row>, 'name' | 'columns'>,
  build: Build<Row>,
): Operation<Row>['build'] {
  return (tables) => {
    const { with: ctes = [], select, from } = build(tables)
    const cells = entriesOf(columns).map(([column, kind]) => kind.toText(select[column as keyof Row]))
    return { with: ctes, cells: cells.map((cell, i) => (i === 0 ? sql`${cell} as ${quoteName(name)}` : cell)), from }
  }
}

/** Joins the parts of a statement. */
export function statementSql({ with: ctes, cells, from }: Statement): Sql {
  const steps = ctes.map(({ name, query }) => sql`${quoteName(name)} as (${query})`)
  return sql`${steps.length > 0 ? sql`with ${join(steps)} ` : raw('')}select ${join(cells)} from ${from}`
}

/** Returns the cells of a statement with this mark. */
export function markedCells(
  { cells }: Statement,
  { name }: Pick<Operation<never>, 'name'>,
  mark: Mark,
): readonly Sql[] {
  return mark === 'last cell' ? [...cells, raw(`'${name}'`)] : cells
}

/** Lists the columns of an operation in the order of its answer. */
export function entriesOf<Row>(columns: Columns<Row>): [string, Kind<unknown>][] {
  return Object.entries<Kind<unknown>>(columns)
}
