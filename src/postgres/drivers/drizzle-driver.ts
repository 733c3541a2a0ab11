/** Sends statements through Drizzle's own session. This works with every driver that Drizzle supports. */
import { drizzleSql } from '../../schema/drizzle-sql.ts'
import type { Sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { describeType } from '../../values/errors.ts'
import type { Database, QueryDatabase } from '../database.ts'
import { drizzleQuery } from '../drizzle-query.ts'
import { entriesOf, markedCells, type Operation } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import { statementName } from './bind.ts'
import type { Driver } from './driver.ts'
import { sessionKind } from './session-kind.ts'

/** Drizzle's sessions whose drivers prepare named statements. All other drivers send the text with each call. */
const WITH_NAMES = new Set([
  'NodePgSession',
  'NeonSession',
  'VercelPgSession',
  'NetlifyDbWsSession',
  'PostgresJsSession',
])

/** The field that holds the mark in a row from Drizzle. */
const MARK = 'pgstash'

export function drizzleDriver(db: Database, tables: TableNames, preparedNames: boolean): Driver {
  const mayName = WITH_NAMES.has(sessionKind(db))
  let hasNames = preparedNames
  return {
    get keepsPlans() {
      return hasNames && mayName
    },
    endsAbandoned: false,
    prepare(operation) {
      const names = entriesOf(operation.columns).map(([name]) => name)
      const prepared = prepare(db, tables, operation, hasNames && mayName)
      return async (values) => {
        const rows: unknown = await prepared.execute({ ...values })
        if (!Array.isArray(rows)) throw wrongAnswer(operation.name, 'rows', describeType(rows))
        // Drizzle returns each row as an object, with undefined for cells that did not arrive.
        return rows.map((row: Record<string, unknown>) => {
          if (row[MARK] !== operation.name) throw wrongAnswer(operation.name, 'its columns in order', 'others')
          return names.map((name) => row[name])
        })
      }
    },
    forgetNames() {
      hasNames = false
    },
  }
}

function prepare(db: Database, tables: TableNames, operation: Operation<never>, hasName: boolean) {
  const statement = operation.build(tables)
  const names = [...entriesOf(operation.columns).map(([name]) => name), MARK]
  const cells = markedCells(statement, operation, 'last cell')
  const fields = Object.fromEntries(names.map((name, i) => [name, drizzleSql(cells[i] as Sql)]))
  const query = drizzleQuery(db as unknown as QueryDatabase, statement, fields)
  // If the user gave this database a Drizzle `cache`, it must not cache our statements.
  query.$withCache(false)
  // Use undefined, not '': postgres-js prepares a statement even with an empty name.
  return query.prepare((hasName ? statementName(query.toSQL().sql) : undefined) as string)
}
