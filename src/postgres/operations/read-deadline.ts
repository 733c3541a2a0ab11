import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { instant, nullable } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/** Reads when a live entry expires. Null means never. Returns no row if no entry is live. */
export const readDeadline = operation({
  name: 'read_deadline',
  repeatable: 'always',
  rows: 'at most one',
  columns: { expiresAt: nullable(instant) },
  build: (tables) => ({
    select: { expiresAt: tables.entries.expiresAt },
    from: sql`${tables.entries} where ${tables.entries.key} = ${param('key')} and ${isLive(tables)}`,
  }),
})
