/** Sends statements through a client that has no driver of its own here, such as PGlite and the `sql` of Bun. */
import type { TableNames } from '../../schema/table-names.ts'
import { senderOver } from '../connections/client-sender.ts'
import { checkMarks } from '../rows.ts'
import { bindStatement } from './bind.ts'
import type { Driver } from './driver.ts'
import { clientOf, isDirect } from './session-kind.ts'

/** Returns undefined if the program uses Drizzle. */
export function clientDriver(db: object, tables: TableNames): Driver | undefined {
  const send = isDirect(db) ? senderOver(clientOf(db)) : undefined
  if (send === undefined) return undefined
  return {
    keepsPlans: false,
    endsAbandoned: false,
    prepare(operation) {
      // The mark is a cell, because the answers of these clients do not name their columns.
      const { text, valuesOf } = bindStatement(tables, operation, 'last cell')
      return async (values) => {
        const { rows } = await send(text, valuesOf(values), true)
        return checkMarks(operation, rows)
      }
    },
    forgetNames() {},
  }
}
