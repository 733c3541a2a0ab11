/** Concurrent writers, revalidations and computations of any length: no read is older than it may be. */
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheHandler, cacheHandlers, type UseCacheHandler } from 'pgstash/next'
import { beforeAll, expect, it, vi } from 'vitest'
import { createDatabase, createPool } from '../../setup/databases.ts'
import { rounds } from '../../setup/statements.ts'
import { entryOf, textOf } from './site.ts'

// Some thousand reads, on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

const WRITES = rounds(120)
const READERS = 8
/** Between two revalidations, the writer waits for at most this many reads. */
const MOST_READS = 80
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let db: NodePgDatabase

beforeAll(async () => {
  db = drizzle(createPool(await createDatabase(), { max: 20 }))
  await migrate(db)
  await db.execute(sql`create table versions (version int not null)`)
  await db.execute(sql`insert into versions values (0)`)
})

async function version(): Promise<number> {
  const { rows } = await db.execute<{ version: number }>(sql`select version from versions`)
  return Number(rows[0]?.version)
}

interface Instance {
  read(): Promise<{ readonly value: number; readonly isHit: boolean }>
  revalidate(): Promise<void>
}

/** An instance of "use cache". It reads its data, and stores it some time later. */
function useCache(tags: string[], softTags: string[]): Instance {
  const handler: UseCacheHandler = cacheHandlers(createCache(db, { timeout: 60_000 }))
  return {
    async read() {
      const found = await textOf(await handler.get('key', softTags))
      if (found !== undefined) return { value: Number(found), isHit: true }
      const entry = entryOf('', { tags })
      const value = await version()
      await pause(Math.random() * 10)
      await handler.set('key', Promise.resolve({ ...entry, value: entryOf(String(value)).value }))
      return { value, isHit: false }
    },
    revalidate: () => handler.updateTags(['tag']),
  }
}

/** Requests for one page. */
function pages(): Instance {
  const Handler = cacheHandler(createCache(db, { timeout: 60_000 }))
  return {
    async read() {
      const request = new Handler()
      const found = await request.get('/page', { kind: 'APP_PAGE' })
      if (found !== null) return { value: Number(found.value.html), isHit: true }
      const value = await version()
      await pause(Math.random() * 10)
      const page = { kind: 'APP_PAGE', html: String(value), headers: { 'x-next-cache-tags': 'a,tag' } }
      await request.set('/page', page, { cacheControl: { revalidate: 60, expire: undefined } })
      return { value, isHit: false }
    },
    revalidate: () => new Handler().revalidateTag('tag'),
  }
}

it.each([
  ['own tags', () => useCache(['tag'], [])],
  ['tags of the page', () => useCache([], ['tag'])],
  ['pages', pages],
])('no read is outdated with %s', async (_, create) => {
  const instances = [create(), create()] as const
  /** The newest version whose revalidation has been written. */
  let revalidated = await version()
  let isOver = false
  let reads = 0
  let hits = 0
  const violations: string[] = []

  async function write(): Promise<void> {
    for (let i = 0; i < WRITES && !isOver; i++) {
      const { rows } = await db.execute<{ version: number }>(
        sql`update versions set version = version + 1 returning version`,
      )
      await instances[i % 2 === 0 ? 0 : 1].revalidate()
      revalidated = Number(rows[0]?.version)
      await moreReads(Math.random() ** 3 * MOST_READS)
    }
    isOver = true
  }

  // Waiting for reads instead of a time gives hits on a slow machine too.
  async function moreReads(count: number): Promise<void> {
    const awaited = reads + count
    while (reads < awaited && !isOver) await pause(1)
  }

  async function read(instance: Instance): Promise<void> {
    while (!isOver) {
      const atLeast = revalidated
      const { value, isHit } = await instance.read()
      reads++
      if (isHit) hits++
      if (value < atLeast) violations.push(`${value} instead of ${atLeast}`)
    }
  }

  const readers = Array.from({ length: READERS }, (_, i) => read(instances[i % 2 === 0 ? 0 : 1]))
  await Promise.all([write(), ...readers]).finally(() => {
    isOver = true
  })
  expect(violations).toEqual([])
  expect(hits).toBeGreaterThan(WRITES / 2)
})
