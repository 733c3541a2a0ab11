import { sql } from '../../schema/sql.ts'
import { nullable, snapshot } from '../kinds.ts'
import { operation } from '../operation.ts'
import { trustedSnapshot } from './history.ts'

/** The current snapshot, as text. Null on a standby. */
export const takeSnapshot = operation({
  name: 'take_snapshot',
  repeatable: 'always',
  rows: 'one',
  columns: { snapshot: nullable(snapshot) },
  build: () => ({ select: { snapshot: trustedSnapshot }, from: sql`(select) as one` }),
})
