import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/** Returns one row if the entry is live. No value leaves the database. */
export const has = operation({
  name: 'has',
  repeatable: 'always',
  rows: 'at most one',
  columns: { found: integer },
  build: (tables) => ({
    select: { found: sql`1` },
    from: sql`${tables.entries} where ${tables.entries.key} = ${param('key')} and ${isLive(tables)}`,
  }),
})
