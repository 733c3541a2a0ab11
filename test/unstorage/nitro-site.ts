/** The setup for both versions of Nitro: a database with faults, an origin, and two processes of one build. */
import { sql } from 'drizzle-orm'
import { type Cache, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach } from 'vitest'
import { type Origin, startOrigin } from '../fetch/origin.ts'
import type { Ask } from '../fetch/recipe.ts'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { createNeon } from '../setup/neon.ts'
import { emptyTables } from '../setup/postgres-store.ts'
import type { App } from './nitro-app.ts'

export interface Site {
  readonly db: Database
  readonly faults: Faults
  readonly origin: Origin
  /** The entries of the mount `cache`. */
  readonly pages: Cache
  readonly ask: Ask
  /** Another process of the same build on the same database. */
  readonly askOther: Ask
}

export function createNitroSite(build: () => Promise<App>): Site {
  const site = {} as { -readonly [Name in keyof Site]: Site[Name] }

  beforeAll(async () => {
    const { db, faults, server } = await createNeon(await createDatabase())
    await migrate(db)
    const app = await build()
    const origin = await startOrigin()
    const env = { DATABASE_URL: server.connectionString, ORIGIN: origin.url }
    const [ask, askOther] = [await app.start(env), await app.start(env)]
    Object.assign(site, {
      db,
      faults,
      origin,
      pages: createCache(db, { timeout: 60_000 }).namespace('pages'),
      ask,
      askOther,
    })
  }, 300_000)

  beforeEach(async () => {
    site.faults.heal()
    await emptyTables(site.db)
    site.faults.reset()
    site.origin.reset()
  })

  return site
}

export async function textOf(answer: Promise<Response>): Promise<string> {
  const response = await answer
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return text
}

/**
 * The life of each entry of the mount `cache`, in minutes, once there are this many. Nitro writes after the response.
 */
export function livesOf({ pages }: Site, count = 1): Promise<(number | null)[]> {
  return eventually(async () => {
    const { entries } = await pages.list()
    if (entries.length !== count) throw new Error(`Expected ${count} entries, got ${entries.length}.`)
    return entries.map(
      ({ expiresAt, updatedAt }) => expiresAt && Math.round((expiresAt.getTime() - updatedAt.getTime()) / 60_000),
    )
  })
}

/** Ages the time that Nitro recorded in an entry, so that it counts as stale by the process's clock. */
export async function makeStale({ db }: Site): Promise<void> {
  await db.execute(sql`update cache_entries set value =
    regexp_replace(value, ${String.raw`(mtime\\*":)(\d+)`}, ${String.raw`\1 1`})`)
}

export interface StorageCall {
  readonly base: string
  readonly calls: readonly (readonly unknown[])[]
}

/** Calls methods of a mount in the server. */
export async function callStorage(ask: Ask, call: StorageCall): Promise<unknown[]> {
  const body = JSON.stringify(call)
  const text = await textOf(ask('/storage', { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
  return (JSON.parse(text) as { answers: unknown[] }).answers
}
