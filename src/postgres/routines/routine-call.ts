/** Calls routines. This builds only the call, not the statement. */
import { sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../../values/sha256.ts'
import type { QueryDatabase } from '../database.ts'
import { entriesOf, MARK, type Operation } from '../operation.ts'
import { ROUTINE_PARAMETERS, ROUTINE_VERSION } from './generated.ts'

/** Postgres silently truncates longer names. */
const MAX_NAME_BYTES = 63

/**
 * Returns the function's name, without its schema: the prefix of the tables, the operation's name, and the version of
 * the set.
 */
export function routineName({ prefix }: Pick<CacheTables, 'prefix'>, name: string, version = ROUTINE_VERSION): string {
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
    found = { ...operation, build: (db, tables, mark) => call(db, tables, operation, parameters, mark) }
    calls.set(operation, found)
  }
  return found
}

function call<Row>(
  db: QueryDatabase,
  { schema, prefix }: CacheTables,
  { name, columns }: Operation<Row>,
  parameters: string,
  mark = 'column name',
) {
  const fields = Object.fromEntries(
    entriesOf(columns).map(([column], i) => [column, sql`${sql.identifier(i === 0 ? name : column)}`]),
  )
  if (mark === 'last cell') fields[MARK] = sql.raw(`'${name}'`)
  const names = parameters === '' ? [] : parameters.split(' ')
  const values = names.map((parameter) => sql`${sql.placeholder(parameter)}`)
  const routine = sql.identifier(routineName({ prefix }, name))
  const placed = schema === undefined ? routine : sql`${sql.identifier(schema)}.${routine}`
  return db.select(fields).from(sql`${placed}(${sql.join(values, sql`, `)})`)
}
