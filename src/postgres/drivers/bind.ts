/** Writes statements once per process, because with a TCP driver on Workers each request needs its own cache. */
import { type Numbered, numberParameters } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../../values/sha256.ts'
import { type Mark, markedCells, type Operation, statementSql } from '../operation.ts'
import type { WireValues } from './driver.ts'

/** A statement that a driver can send. */
export interface Bound {
  readonly text: string
  /** Returns the name for a prepared statement. */
  name(): string
  valuesOf(given: WireValues): (string | null)[]
}

type Statements = Record<Mark, Map<Operation<never>, Bound>>

const known = new WeakMap<TableNames, Statements>()

export function bindStatement(tables: TableNames, operation: Operation<never>, mark: Mark): Bound {
  let statements = known.get(tables)
  if (statements === undefined) {
    statements = { 'column name': new Map(), 'last cell': new Map() }
    known.set(tables, statements)
  }
  let bound = statements[mark].get(operation)
  if (bound === undefined) {
    const statement = operation.build(tables)
    bound = bind(numberParameters(statementSql({ ...statement, cells: markedCells(statement, operation, mark) })))
    statements[mark].set(operation, bound)
  }
  return bound
}

function bind({ text, names }: Numbered): Bound {
  let name: string | undefined
  return {
    text,
    name: () => (name ??= statementName(text)),
    valuesOf: (given) => names.map((each) => givenValue(given, each)),
  }
}

/** A forgotten parameter must not silently become null. */
function givenValue(given: WireValues, name: string): string | null {
  const value = given[name]
  if (value === undefined) throw new TypeError(`Expected a value for the parameter ${name}.`)
  return value
}

/** Names a statement after its text, because a driver refuses one name for two texts. */
export function statementName(text: string): string {
  return `pgstash_${bytesToHex(sha256(utf8ToBytes(text))).slice(0, 24)}`
}
