/** Calls routines. This builds only the call, not the statement. */
import { join, placeholder, quoteName, sql } from '../../schema/sql.ts'
import type { TableNames, TableNaming } from '../../schema/table-names.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../../values/sha256.ts'
import { entriesOf, type Operation, type Statement } from '../operation.ts'
import { ROUTINE_PARAMETERS, ROUTINE_VERSION } from './generated.ts'

/** Postgres silently truncates longer names. */
const MAX_NAME_BYTES = 63

/**
 * Returns the function's name, without its schema: the prefix of the tables, the operation's name, and the version of
 * the set.
 */
export function routineName({ prefix }: Pick<TableNaming, 'prefix'>, name: string, version = ROUTINE_VERSION): string {
  const readable = `${prefix}cache_${name}_${version}`
  const bytes = utf8ToBytes(readable)
  if (bytes.length <= MAX_NAME_BYTES) return readable
  // Even the longest prefix leaves room for this form.
  return `${prefix}cache_${bytesToHex(sha256(utf8ToBytes(name))).slice(0, 8)}_${version}`
}

/** One call per operation, because statements are compiled once per operation, for all caches together. */
const calls = new WeakMap<Operation<never>, Operation<never>>()

/** Returns the operation as a call of its routine. Undefined if it has no routine. */
export function routineCall(operation: Operation<never>): Operation<never> | undefined {
  const parameters = ROUTINE_PARAMETERS[operation.name]
  if (parameters === undefined) return undefined
  let found = calls.get(operation)
  if (found === undefined) {
    found = { ...operation, build: (tables) => call(tables, operation, parameters) }
    calls.set(operation, found)
  }
  return found
}

function call<Row>({ schema, prefix }: TableNames, { name, columns }: Operation<Row>, parameters: string): Statement {
  const values = parameters === '' ? [] : parameters.split(' ').map(placeholder)
  const routine = quoteName(routineName({ prefix }, name))
  const placed = schema === undefined ? routine : sql`${quoteName(schema)}.${routine}`
  return {
    with: [],
    cells: entriesOf(columns).map(([column], i) => quoteName(i === 0 ? name : column)),
    from: sql`${placed}(${join(values)})`,
  }
}
