/** Apps with the cache handlers of this package: built by Next, and served by two instances on one database. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { createFaults, type Faults } from 'pgstash/testing'
import { expect } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import type { App, Site } from './next-app.ts'

/** Builds share two cores with other tests. */
export const BUILD_MS = 600_000
/** Nothing listens at this address. */
export const NOWHERE = {
  DATABASE_URL: 'postgresql://ada:secret@nowhere.invalid/shop',
  NEON_FETCH_ENDPOINT: 'http://127.0.0.1:9/sql',
}
export const HANDLERS = {
  'next/cache-handler.mts': 'cache-handler.mjs',
  'next/incremental-handler.mts': 'incremental-handler.mjs',
}

export interface Database {
  readonly variables: Readonly<Record<string, string>>
  readonly cache: Cache
  readonly faults: Faults
}

export interface Running extends Database {
  readonly one: Site
  readonly two: Site
}

/** Answers each request with a new text. */
async function startOrigin(): Promise<string> {
  let calls = 0
  const server = createServer((_, response) => response.end(`call ${++calls}`))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function startDatabase(): Promise<Database> {
  const database = await createDatabase()
  const faults = createFaults()
  const local = await startLocalNeon({ database, intercept: faults })
  cleanup(() => local.close())
  const db = drizzle(createPool(database))
  await migrate(db)
  const variables = {
    DATABASE_URL: local.connectionString,
    NEON_FETCH_ENDPOINT: local.endpoint,
    ORIGIN: await startOrigin(),
  }
  return { variables, cache: createCache(db, { timeout: 60_000 }), faults }
}

export async function startTwo(app: App, database: Database): Promise<Running> {
  const [one, two] = await Promise.all([app.start(database.variables), app.start(database.variables)])
  return { one, two, ...database }
}

export async function built(app: App, variables: Readonly<Record<string, string>>): Promise<void> {
  const { code, output } = await app.build(variables)
  if (code !== 0) throw new Error(`next build ended with ${code}: ${output}`)
}

export async function revalidate(site: Site, body: object): Promise<void> {
  const response = await site.fetch('/api/revalidate', { method: 'POST', body: JSON.stringify(body) })
  expect(response.status).toBe(200)
}

/** The value that both instances return, once it is stored. Next stores it in the background. */
export function sharedBy({ one, two }: Running, read: (site: Site) => Promise<string>): Promise<string> {
  return eventually(async () => {
    const value = await read(one)
    expect([await read(two), await read(one)]).toEqual([value, value])
    return value
  })
}

export const shared = (running: Running, path: string) => sharedBy(running, (site) => site.read(path))
export const data = async (site: Site) => (await site.fetch('/api/data')).text()

/** Expects that no instance returns the old value after a revalidation. */
export async function expectRenewed(
  running: Running,
  read: (site: Site) => Promise<string>,
  revalidated: object,
): Promise<void> {
  const old = await sharedBy(running, read)
  await revalidate(running.one, revalidated)
  // A route handler answers before Next has called the cache handlers. After that call, no instance has the old value.
  await eventually(async () => expect(await read(running.two)).not.toBe(old))
  expect(await read(running.one)).not.toBe(old)
  expect(await sharedBy(running, read)).not.toBe(old)
}
