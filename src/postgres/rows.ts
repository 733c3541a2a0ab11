/** Checks answers: turns a driver's cells into rows of the declared shape, or throws a {@link DatabaseError}. */
import { DatabaseError, describeType } from '../values/errors.ts'
import type { Kind } from './kinds.ts'
import { type Cardinality, entriesOf, type Operation } from './operation.ts'

/**
 * Parses the rows of an operation.
 *
 * @param rows each as a list of cells, in the order of the operation's columns
 * @throws DatabaseError if the answer has another shape
 */
export function decodeRows<Row>(operation: Operation<Row>, rows: readonly (readonly unknown[])[]): Row[] {
  const { name, columns } = operation
  if (!isExpected(operation.rows, rows.length)) {
    throw wrongAnswer(name, `${operation.rows} row`, `${rows.length} rows`)
  }
  const kinds = kindsOf(columns)
  return rows.map((row) => {
    const decoded: Record<string, unknown> = {}
    let i = 0
    for (const [column, kind] of kinds) decoded[column] = decodeCell(name, column, kind, row[i++])
    return decoded as Row
  })
}

/**
 * Checks rows whose last cell is the mark of the operation.
 *
 * @throws DatabaseError if the answer belongs to another statement, or has another shape
 */
export function checkMarks({ name, columns }: Operation<never>, rows: unknown): unknown[][] {
  if (!Array.isArray(rows)) throw wrongAnswer(name, 'rows', describeType(rows))
  const width = entriesOf(columns).length + 1
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row) || row.length !== width || row[width - 1] !== name) {
      throw wrongAnswer(name, 'its columns in order', 'others')
    }
  }
  return rows as unknown[][]
}

type Kinds = readonly (readonly [string, Kind<unknown>])[]

/** The kinds of each operation, listed once. */
const listed = new WeakMap<object, Kinds>()

function kindsOf<Row>(columns: Operation<Row>['columns']): Kinds {
  let kinds = listed.get(columns)
  if (kinds === undefined) {
    kinds = entriesOf(columns)
    listed.set(columns, kinds)
  }
  return kinds
}

/** @throws DatabaseError */
export function wrongAnswer(operation: string, expected: string, got: string): DatabaseError {
  return new DatabaseError(
    `The answer to the statement ${operation} has the wrong shape: expected ${expected}, got ${got}. Look for a proxy, type parser or transform that changes it.`,
  )
}

function decodeCell(operation: string, column: string, kind: Kind<unknown>, cell: unknown): unknown {
  // A driver's transform may turn null into undefined.
  if (kind.isNullable && (cell === null || cell === undefined)) return null
  const value = typeof cell === 'string' ? kind.parse(cell) : undefined
  if (value !== undefined) return value
  const got = typeof cell === 'string' && kind.name !== 'text' ? 'another text' : describeType(cell)
  throw wrongAnswer(operation, `${column} to be ${kind.name} as text`, got)
}

function isExpected(rows: Cardinality, count: number): boolean {
  if (rows === 'any number') return true
  if (rows === 'at least one') return count >= 1
  return rows === 'one' ? count === 1 : count <= 1
}
