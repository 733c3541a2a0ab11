/** An app on a real server: the database over HTTP, with faults, and fields parsed back. */
import type { Env, Hono } from 'hono'
import { type Cache, createCache } from 'pgstash'
import type { Faults } from 'pgstash/testing'
import { parseList } from 'structured-headers'
import { createNeon } from '../setup/neon.ts'

/** Patient, because other test files may take all of a small machine. */
export const PATIENCE_MS = 60_000

export async function createStash(database: string) {
  const { db, faults, server } = await createNeon(database)
  return { db, faults, server, cache: createCache(db, { timeout: PATIENCE_MS }) }
}

/** So many requests one after another, and the statuses of their answers. */
export async function statuses<E extends Env>(app: Hono<E>, times: number, path = '/', init?: RequestInit) {
  const found: number[] = []
  for (let i = 0; i < times; i++) found.push((await app.request(path, init)).status)
  return found
}

/** A field as the names of its members with their parameters. @throws where it is no structured field */
export function members(response: Response, field: string): [string, Record<string, unknown>][] {
  const value = response.headers.get(field)
  if (value === null) return []
  return parseList(value).map(([name, parameters]) => [String(name), Object.fromEntries(parameters)])
}

/** The number of keys that count something. */
export async function counters(cache: Cache): Promise<string[]> {
  return (await cache.list()).entries.map(({ key }) => key)
}

/** What a request that nothing else is under way beside cost. */
export function cost({ requests, statements }: Faults) {
  return { requests, statements }
}
