import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'
import { slide } from './slide.ts'

/** Reads an entry, and pushes its deadline out when that is due. */
export const readSliding = operation('always', (db, tables) => {
  const { entries } = tables
  const found = db.$with('found', {}).as(sql`
    select ${entries.key}, ${entries.value}, ${entries.number}
    from ${entries}
    where ${entries.key} = ${param('key')}::text and ${live(tables)}`)
  const { ctes, touched } = slide(db, tables)
  return db
    .with(found, ...ctes)
    .select({
      value: sql<string | null>`found.value`,
      number: sql<string | null>`found.number::text`,
      touched,
    })
    .from(sql`found`)
})
