import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { movedKeptUntil, param } from './fragments.ts'

/**
 * Reads an entry, and pushes its deadline out to `lifeMs` from now when less than `ttlMs` remains.
 *
 * With `lifeMs = ttlMs × (1 + slack)` the entry never expires earlier than `ttlMs` after a read, at most the slack
 * later, and is written at most once per `ttlMs × slack`, whatever its read rate. Reads that are not due take no
 * transaction id. A row that someone else is writing is skipped: a read must not wait for a writer, and of several
 * readers that find it due one is enough.
 */
export const readSliding = operation('always', (db, tables) => {
  const { entries } = tables
  const found = db.$with('found', {}).as(sql`
    select ${entries.key}, ${entries.value}, ${entries.number}
    from ${entries}
    where ${entries.key} = ${param('key')}::text and ${live(tables)}`)
  const next = db.$with('next', {}).as(sql`
    select now() + ${param('ttlMs')}::float8 * interval '1 millisecond' as due_before,
      now() + ${param('lifeMs')}::float8 * interval '1 millisecond' as expires_at`)
  const due = db.$with('due', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${entries.key} = (select key from found)
      and ${entries.expiresAt} < (select due_before from next) and ${live(tables)}
    for no key update skip locked`)
  const touched = db.$with('touched', {}).as(sql`
    update ${entries}
    set expires_at = next.expires_at, kept_until = ${movedKeptUntil(tables)}, updated_at = now()
    from due, next
    where ${entries.key} = due.key
    returning 1`)
  return db
    .with(found, next, due, touched)
    .select({
      value: sql<string | null>`found.value`,
      number: sql<string | null>`found.number::text`,
      touched: sql<boolean>`exists (select from touched)`,
    })
    .from(sql`found`)
})
