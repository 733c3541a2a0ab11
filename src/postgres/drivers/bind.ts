/** Binds statements to their parameters, as Drizzle does, but finds each parameter's place only once per statement. */
import { fillPlaceholders, is, Placeholder } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import type { Database } from '../database.ts'
import type { Operation } from '../operation.ts'
import type { WireValues } from './driver.ts'
import { prepareStatement, type StatementForm } from './prepare.ts'

type Values = (string | null)[]

export interface Bound {
  /** Undefined if the statement has no name. */
  readonly name: string | undefined
  readonly text: string
  valuesOf(given: WireValues): Values
}

export function bindStatement(
  db: Database,
  tables: CacheTables,
  operation: Operation<never>,
  form: StatementForm,
): Bound {
  const { name, prepared } = prepareStatement(db, tables, operation, form)
  const { sql: text, params } = prepared.getQuery()
  const names = params.map((param) => (is(param, Placeholder) ? String(param.name) : undefined))
  const valuesOf = names.every((each) => each !== undefined)
    ? (given: WireValues) => names.map((each) => given[each] ?? null)
    : (given: WireValues) => fillPlaceholders(params, { ...given }) as Values
  return { name, text, valuesOf }
}
