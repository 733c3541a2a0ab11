/**
 * The race that exact invalidation must win. Transactions of any length write, and some roll back. Readers cache the
 * results of their reads. A checker compares answers in commit order.
 *
 * Each write increments the version of its row, and the row lock serializes writers, so versions are in commit order.
 * After a commit was acknowledged, no later read may return an older version, whatever served it.
 */
import { neon } from '@neondatabase/serverless'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { queryCache, rowTag, watchTables } from 'pgstash/drizzle'
import { responseCache } from 'pgstash/hono'
import { createSite, pause, type Site, times } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createPool } from '../setup/databases.ts'
import { passNotedTime } from './time.ts'

const data = pgTable('data', { id: integer('id').primaryKey(), version: integer('version').notNull() })

const ROWS = 6
const LONGEST_MS = 15

export interface RaceOptions {
  /** The number of reads of each kind. */
  readonly reads: number
  readonly readers: number
  readonly writers: number
  /** Between two of its transactions, a writer waits for at most this many reads of each kind. */
  readonly mostReads: number
  /** Ends the race early, if a test only needs to know whether the checker finds anything. */
  readonly stopAtFirst?: boolean
}

export interface RaceResult {
  readonly reads: Record<Kind, number>
  readonly hits: Record<Kind, number>
  readonly violations: Record<Kind, number>
  readonly commits: number
  readonly rollbacks: number
}

export const KINDS = ['getOrSet', 'queryCache', 'responses'] as const
export type Kind = (typeof KINDS)[number]

interface Read {
  readonly version: number
  readonly isHit: boolean
}
type Reader = (id: number) => Promise<Read>

export async function race(options: RaceOptions): Promise<RaceResult> {
  const site = await createSite()
  await site.db.execute(sql`create table data (id int primary key, version int not null)`)
  await site.db.execute(sql`insert into data select id, 0 from generate_series(0, ${ROWS - 1}::int) as id`)
  await watchTables(site.db, [data], { rows: true })

  const counts = () => Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>
  const result = { reads: counts(), hits: counts(), violations: counts(), commits: 0, rollbacks: 0 }
  /** The latest versions that are known to be committed, by row. */
  const committed = times(ROWS, () => 0)
  let isOver = false

  async function read(kind: Kind, number: number): Promise<void> {
    const reader = READERS[kind](site)
    for (let i = number; result.reads[kind] < options.reads && !isOver; i++) {
      const id = i % ROWS
      const least = committed[id] ?? 0
      const { version, isHit } = await reader(id)
      result.reads[kind]++
      if (isHit) result.hits[kind]++
      if (version < least) result.violations[kind]++
      if (version < least && options.stopAtFirst) isOver = true
    }
  }
  async function write(number: number): Promise<void> {
    const db = drizzlePg(createPool(site.database, { max: 1 }))
    for (let i = number; !isOver; i++) {
      const id = (i * 5 + number) % ROWS
      const keeps = i % 5 !== number
      const version = await db
        .transaction(async (tx) => {
          await pause(Math.random() * LONGEST_MS)
          const rows = await tx
            .update(data)
            .set({ version: sql`${data.version} + 1` })
            .where(eq(data.id, id))
            .returning()
          // Every third commit comes after reads that began before it.
          if (i % 3 === 0) await readsOfEachKind(1)
          else await pause(Math.random() * LONGEST_MS)
          if (!keeps) tx.rollback()
          return rows[0]?.version ?? 0
        })
        .catch((error: unknown) => {
          if (keeps) throw error
        })
      if (version === undefined) result.rollbacks++
      else {
        committed[id] = Math.max(committed[id] ?? 0, version)
        result.commits++
      }
      await readsOfEachKind(Math.random() ** 3 * options.mostReads)
    }
  }
  // Waiting for reads instead of a time gives hits on a slow machine too. A write removes all results of the query cache.
  async function readsOfEachKind(count: number): Promise<void> {
    const awaited = KINDS.map((kind) => Math.min(result.reads[kind] + count, options.reads))
    while (!isOver && KINDS.some((kind, index) => result.reads[kind] < (awaited[index] ?? 0))) await pause(1)
  }
  async function trim(): Promise<void> {
    const cache = createCache(site.db)
    while (!isOver) {
      await cache.clearExpired()
      await passNotedTime(site.db)
      await pause(200)
    }
  }

  const others = [...times(options.writers, write), trim()]
  await Promise.all(KINDS.flatMap((kind) => times(options.readers, (number) => read(kind, number)))).finally(() => {
    isOver = true
  })
  await Promise.all(others)
  return result
}

/** Each reader is a separate isolate: they share only the database. */
const READERS: Record<Kind, (site: Site) => Reader> = {
  getOrSet(site) {
    const db = connected(site)
    const cache = createCache(db, { timeout: 60_000 })
    return async (id) => {
      let isHit = true
      const compute = async () => {
        isHit = false
        return versionOf(db, id)
      }
      const version = await cache.getOrSet(`version:${id}`, compute, { tags: [rowTag(data, id)], expiration: '1m' })
      return { version, isHit }
    }
  },
  queryCache(site) {
    const cache = queryCache(createCache(connected(site), { timeout: 60_000 }), { expiration: '1m' })
    const db = drizzle({ client: neon(site.server.connectionString), cache })
    return async (id) => {
      const { hits } = cache.stats()
      const rows = await db.select().from(data).where(eq(data.id, id)).$withCache()
      return { version: rows[0]?.version ?? -1, isHit: cache.stats().hits > hits }
    }
  },
  responses(site) {
    const db = connected(site)
    const app = new Hono()
    const background: Promise<unknown>[] = []
    const tags = (c: { req: { path: string } }) => [rowTag(data, Number(c.req.path.slice(1)))]
    const cache = createCache(db, { timeout: 60_000 })
    app.use(responseCache({ cache, tags, waitUntil: (work) => void background.push(work) }))
    app.get('/:id', async (c) =>
      c.text(String(await versionOf(db, Number(c.req.param('id')))), 200, { 'cache-control': 'max-age=60' }),
    )
    cleanup(async () => void (await Promise.allSettled(background)))
    return async (id) => {
      const response = await app.request(`https://example.com/${id}`)
      const isHit = response.headers.get('cache-status')?.includes('hit') === true
      return { version: Number(await response.text()), isHit }
    }
  },
}

function connected(site: Site) {
  return drizzle({ client: neon(site.server.connectionString) })
}

async function versionOf(db: ReturnType<typeof connected>, id: number): Promise<number> {
  const rows = await db.select().from(data).where(eq(data.id, id))
  await pause(Math.random() * 5)
  return rows[0]?.version ?? -1
}
