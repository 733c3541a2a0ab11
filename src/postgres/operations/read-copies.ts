import { and, type SQL, sql } from 'drizzle-orm'
import { type CacheTables, live } from '../../schema.ts'
import { operation, type QueryDatabase } from '../database.ts'
import { changesSince } from './changes.ts'
import { param } from './fragments.ts'
import { slide } from './slide.ts'

/** Milliseconds that remain of an entry's life; null is for ever. */
export function remainingMs(expiresAt: SQL): SQL<number | null> {
  return sql<number | null>`extract(epoch from ${expiresAt} - now())::float8 * 1000`
}

function isAsked({ entries }: CacheTables): SQL {
  return sql`${entries.key} = any (${param('keys')}::text[])`
}

/** The live entries among `keys`, with what a copy needs besides the value: what remains of its life, and its tags. */
export const readCopies = operation('always', (db, tables) => {
  const { key, value, number, expiresAt, tags } = tables.entries
  return db
    .select({
      key,
      value,
      number: sql<string | null>`${number}::text`,
      remainingMs: remainingMs(sql`${expiresAt}`),
      // As JSON, because drivers differ in how they give arrays.
      tags: sql<string | null>`array_to_json(${tags})::text`,
    })
    .from(tables.entries)
    .where(and(isAsked(tables), live(tables)))
})

/**
 * The same, with what was changed since the parameter `since`: on the first row, or on one of its own where none was found.
 */
export const readCopiesWithNews = operation('always', (db, tables) => {
  const { entries } = tables
  const { key, value, number, expiresAt, tags } = entries
  const found = db.$with('found', {}).as(sql`
    select ${key}, ${value}, ${number}, ${expiresAt}, ${tags}, row_number() over () as place
    from ${entries} where ${isAsked(tables)} and ${live(tables)}`)
  return db
    .with(found)
    .select({
      key: sql<string | null>`found.key`,
      value: sql<string | null>`found.value`,
      number: sql<string | null>`found.number::text`,
      remainingMs: remainingMs(sql`found.expires_at`),
      tags: sql<string | null>`array_to_json(found.tags)::text`,
      news: sql<string | null>`case when coalesce(found.place, 1) = 1 then ${changesSince(tables)} end`,
    })
    .from(sql`(select) as one left join found on true`)
})

function buildSliding(db: QueryDatabase, tables: CacheTables, news: boolean) {
  const { entries } = tables
  const found = db.$with('found', {}).as(sql`
    select ${entries.key}, ${entries.value}, ${entries.number}, ${entries.expiresAt}, ${entries.tags}
    from ${entries} where ${isAsked(tables)} and ${live(tables)}`)
  const { ctes, touched } = slide(db, tables)
  return db
    .with(found, ...ctes)
    .select({
      key: sql<string | null>`found.key`,
      value: sql<string | null>`found.value`,
      number: sql<string | null>`found.number::text`,
      remainingMs: remainingMs(sql`coalesce((select due.expires_at from due where ${touched}), found.expires_at)`),
      tags: sql<string | null>`array_to_json(found.tags)::text`,
      touched,
      news: news ? changesSince(tables) : sql<string | null>`null::text`,
    })
    .from(sql`(select) as one left join found on true`)
}

/** The same of one key, and pushes its deadline out when that is due. */
export const readCopySliding = operation('always', (db, tables) => buildSliding(db, tables, false))

/** Both, with what was changed. */
export const readCopySlidingWithNews = operation('always', (db, tables) => buildSliding(db, tables, true))
