/** Compiles an operation into a PL/pgSQL function. A session keeps the function's plans until it ends. */
import { numberParameters } from '../../schema/sql.ts'
import { identifier } from '../../schema/sql-text.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { entriesOf, type Operation, statementSql } from '../operation.ts'

export interface Routine {
  /** The operation's name. */
  readonly name: string
  /** The names of the parameters, in order. All are text. */
  readonly parameters: readonly string[]
  /** The names of the columns, in order. All are text. */
  readonly columns: readonly string[]
  /** The text between `as $$` and `$$`. */
  readonly body: string
}

/**
 * Compiles an operation's routine. The routine runs the same statement that the operation sends inline, under the
 * session's search path.
 *
 * @param usual statements to try first
 */
export function compileRoutine(
  operation: Operation<never>,
  usual: readonly Operation<never>['build'][],
  tables: TableNames,
): Routine {
  const parameters: string[] = []
  const statements = [...usual, operation.build].map(
    (build) => numberParameters(statementSql(build(tables)), parameters).text,
  )
  const columns = entriesOf(operation.columns).map(([name]) => name)
  // The first column carries the operation's name, as it does inline.
  columns[0] = operation.name
  return { name: operation.name, parameters, columns, body: bodyOf(parameters, statements) }
}

/**
 * Settings that hold while a routine runs. `migrate` leaves out the settings that its role may not set.
 *
 * - JIT: no statement of the cache gains from it. With a wrong estimate, Postgres would compile the statement again for
 *   each call.
 * - Generic plans: Postgres makes each plan once per session. By default, it plans the first five calls of a session
 *   again, and keeps planning if the generic plan looks expensive. A range of keys in a large table looks expensive,
 *   because Postgres expects a part of the table, often a ninth. Planning then took 80 % of a cleanup of an
 *   empty namespace.
 */
export const ROUTINE_SETTINGS = { jit: 'off', plan_cache_mode: 'force_generic_plan' } as const

/** The first line of each body. It lets a statement name columns that are also columns of the result. */
export const FIRST_LINE = '\n#variable_conflict use_column\n'

/** Writes the body. Its parameters have no names, because their names would clash with variables and result columns. */
function bodyOf(parameters: readonly string[], statements: readonly string[]): string {
  return `${FIRST_LINE}-- ${parameters.map((name, i) => `$${i + 1} ${name}`).join(', ') || 'No parameters'}
begin
${statements.map((statement) => `  return query ${statement};`).join('\n  if found then return; end if;\n')}
end
`
}

/** Returns the signature without the function's name: the types of the parameters, and the columns of the result. */
export function signatureOf({ parameters, columns }: Routine): { parameters: string; columns: string } {
  return {
    parameters: parameters.map(() => 'text').join(', '),
    columns: columns.map((name) => `${identifier(name)} text`).join(', '),
  }
}
