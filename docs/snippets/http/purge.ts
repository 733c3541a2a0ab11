import { eq } from 'drizzle-orm'
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { purge, purgeRoute, purgeStatements } from 'pgstash/hono'

export const posts = pgTable('posts', { id: integer().primaryKey(), title: text().notNull() })

/** Purges the page exactly if the title changes, because both happen in one transaction. */
export async function rename(db: NeonHttpDatabase, id: number, title: string): Promise<void> {
  const url = `https://example.com/posts/${id}`
  await db.batch([db.update(posts).set({ title }).where(eq(posts.id, id)), ...purgeStatements(db, { urls: [url] })])
}

/** Makes every page stale after a new template. A stale page is refreshed or revalidated at its next request. */
export const newTemplate = (cache: Cache) => purge(cache, { prefixes: ['https://example.com/posts/'], soft: true })

/** `curl -H "Authorization: Bearer $SECRET" -d '{"tags": ["posts"]}' https://example.com/purge` */
export const withPurgeRoute = (cache: Cache, secret: string) =>
  new Hono().route('/purge', purgeRoute({ cache, secret }))
