/** Sends statements through a client that has no driver of its own here, such as PGlite and the `sql` of Bun. */
import type { TableNames } from '../../schema/table-names.ts'
import { describeType } from '../../values/errors.ts'
import { senderOver } from '../connections/client-sender.ts'
import type { Database } from '../database.ts'
import { entriesOf } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import { bindStatement } from './bind.ts'
import type { Driver } from './driver.ts'
import { clientOf, isDirect } from './session-kind.ts'

/** Returns undefined if the program uses Drizzle. */
export function clientDriver(db: Database, tables: TableNames): Driver | undefined {
  const send = isDirect(db) ? senderOver(clientOf(db)) : undefined
  if (send === undefined) return undefined
  return {
    keepsPlans: false,
    endsAbandoned: false,
    prepare(operation) {
      // The mark is a cell, because the names of columns do not arrive.
      const { text, valuesOf } = bindStatement(tables, operation, 'last cell')
      const width = entriesOf(operation.columns).length
      return async (values) => {
        const { rows } = await send(text, valuesOf(values), true)
        if (!Array.isArray(rows)) throw wrongAnswer(operation.name, 'rows', describeType(rows))
        for (const row of rows as unknown[][]) {
          if (!Array.isArray(row) || row.length !== width + 1 || row[width] !== operation.name) {
            throw wrongAnswer(operation.name, 'its columns in order', 'others')
          }
        }
        return rows as unknown[][]
      }
    },
    forgetNames() {},
  }
}
