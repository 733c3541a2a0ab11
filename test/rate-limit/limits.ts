/**
 * Limited handlers and applications on a real server: the database over HTTP, with faults, and parsed header values.
 */
import { type Cache, createCache } from 'pgstash'
import { type RateLimitOptions, rateLimit } from 'pgstash/fetch'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { parseList } from 'structured-headers'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

/** A long timeout, because other test files may keep a small machine busy. */
export const PATIENCE_MS = 60_000

export async function createStash(database: string) {
  const { db, faults, server } = await createNeon(database)
  return { db, faults, server, cache: createCache(db, { timeout: PATIENCE_MS }) }
}

/** A database with tables, and a cache on it. */
export async function createMigratedStash() {
  const stash = await createStash(await createDatabase())
  await migrate(stash.db)
  return stash
}

export async function emptied({ cache, faults }: { cache: Cache; faults: Faults }): Promise<void> {
  faults.heal()
  await cache.clear()
  faults.reset()
}

/** An application, or an object with the same method. */
export interface Requestable {
  request(path: string, init?: RequestInit): Response | Promise<Response>
}

export type Args = [request: Request]

/** A handler with a limit of two requests a minute. */
export function limited(
  options: Partial<RateLimitOptions<Args>> & Pick<RateLimitOptions<Args>, 'cache'>,
  handler: (request: Request) => Response | Promise<Response> = () => new Response('welcome'),
): Requestable {
  const two = { limit: 2, period: '1m', name: 'two', key: () => 'client', timeout: PATIENCE_MS } as const
  const handle = rateLimit(handler, { ...two, ...options })
  return { request: (path, init) => handle(new Request(new URL(path, 'https://example.com'), init)) }
}

/** Sends this many requests one after another, and returns the statuses. */
export async function statuses(app: Requestable, times: number, path = '/', init?: RequestInit) {
  const found: number[] = []
  for (let i = 0; i < times; i++) found.push((await app.request(path, init)).status)
  return found
}

/** A header as the names of its members with their parameters. @throws if it is not a structured field */
export function members(response: Response, field: string): [string, Record<string, unknown>][] {
  const value = response.headers.get(field)
  if (value === null) return []
  return parseList(value).map(([name, parameters]) => [String(name), Object.fromEntries(parameters)])
}

/** The number of keys with a count. */
export async function counters(cache: Cache): Promise<string[]> {
  return (await cache.list()).entries.map(({ key }) => key)
}

/** Returns the cost of a request while no other request runs. */
export function cost({ requests, statements }: Faults) {
  return { requests, statements }
}
