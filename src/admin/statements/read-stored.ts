import { sql } from 'drizzle-orm'
import { operation } from '../../postgres/database.ts'
import { inRange, param } from '../../postgres/operations/fragments.ts'

/** An entry's value, whole, live or not. */
export const readStored = operation('always', (db, { entries }) =>
  db
    .select({ value: entries.value, number: sql<string | null>`${entries.number}::text`, meta: entries.meta })
    .from(entries)
    .where(sql`${entries.key} = ${param('key')}::text and ${inRange(entries)}`),
)
