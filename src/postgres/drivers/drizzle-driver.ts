/** Sends statements through Drizzle's own session. This works with every driver that Drizzle supports. */
import type { CacheTables } from '../../schema/index.ts'
import { describeType } from '../../values/errors.ts'
import type { Database } from '../database.ts'
import { entriesOf, MARK } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import type { Driver } from './driver.ts'
import { prepare } from './prepare.ts'
import { sessionKind } from './session-kind.ts'

/** Drizzle's sessions whose drivers prepare named statements. All other drivers send the text with each call. */
const WITH_NAMES = new Set([
  'NodePgSession',
  'NeonSession',
  'VercelPgSession',
  'NetlifyDbWsSession',
  'PostgresJsSession',
])

export function drizzleDriver(db: Database, tables: CacheTables, preparedNames: boolean): Driver {
  const mayName = WITH_NAMES.has(sessionKind(db))
  let hasNames = preparedNames
  return {
    get keepsPlans() {
      return hasNames && mayName
    },
    endsAbandoned: false,
    prepare(operation) {
      const prepared = prepare(db, tables, operation, { hasName: hasNames, mark: 'last cell' })
      const names = entriesOf(operation.columns).map(([name]) => name)
      return async (values) => {
        const rows = await prepared.execute({ ...values })
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
