/**
 * Malformed answers that a proxy, a broken connection or a driver can make of a correct one. Each must cause an error,
 * never a value.
 */
import { neon } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { type Cache, CacheError, createCache, type Database } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { seededRandom } from '../../src/values/seeded-random.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import '../setup/neon.ts'
import { CALLS, type Call, prepare } from './calls.ts'

const SEED = Number(process.env.TEST_SEED ?? 19)
const CALLS_EACH = Number(process.env.TEST_FUZZ_CALLS ?? 400)
/** The share of malformed answers. High, so that retries fail as well. */
const FAULT_RATE = 0.5

type Row = unknown
type Rows = readonly Row[]
type Random = () => number

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

/** Cells of another type. Not null, which is a valid value in a nullable column. */
const CELLS: readonly unknown[] = [0, 5, 1.5, true, false, [], ['x'], {}, { a: 1 }, ['5']]

/** Changes the rows; each element of the answer stays JSON. */
const ROW_FAULTS: Readonly<Record<string, (rows: Rows, random: Random, other: Rows) => unknown>> = {
  'no list': (_rows, random) => pick(random, [null, {}, 'rows', 5, true, { 0: ['x'] }]),
  'null rows': (rows) => (rows.length > 0 ? rows.map(() => null) : [null]),
  'rows that are no lists': (rows, random) =>
    (rows.length > 0 ? rows : [[]]).map(() => pick(random, ['ab', 5, {}, true])),
  'rows as objects': (rows) => rows.map((row) => ({ ...(row as object) })),
  'empty rows': (rows) => (rows.length > 0 ? rows : [[]]).map(() => []),
  'too few columns': (rows) => (rows.length > 0 ? rows.map((row) => (row as Row[]).slice(0, -1)) : [[]]),
  'too few columns, at the front': (rows) => (rows.length > 0 ? rows.map((row) => (row as Row[]).slice(1)) : [[]]),
  'a column more': (rows) => (rows.length > 0 ? rows : [[]]).map((row) => [...(row as Row[]), 'more']),
  'a column more, at the front': (rows) => (rows.length > 0 ? rows : [[]]).map((row) => ['"more"', ...(row as Row[])]),
  'cells of another type': (rows, random) => rows.map((row) => (row as Row[]).map(() => pick(random, CELLS))),
  'one cell of another type': (rows, random) =>
    rows.map((row) => {
      const place = Math.floor(random() * (row as Row[]).length)
      return (row as Row[]).map((cell, i) => (i === place ? pick(random, CELLS) : cell))
    }),
  'too many rows': (rows) => [...rows, ...rows, ...rows],
  'rows of another statement': (_rows, _random, other) => other,
}

/** No client can tell these from correct answers. They may count as a miss, and as nothing else. */
const MISSING_ROWS = 'missing rows'

const BODIES = [
  '<html><body>Sign in</body></html>',
  '',
  'null',
  '[]',
  '"ok"',
  '5',
  '{}',
  '{"rows":[]}',
  '{"fields":[]}',
]

interface Tamper {
  /** Undefined lets an answer pass unchanged. */
  fault: string | undefined
  random: Random
}

/** Answers of other statements than the one that runs, by their text. */
function createOthers() {
  const known = new Map<string, unknown>()
  return {
    of(text: string, answer: unknown, random: Random): unknown {
      known.set(text, answer)
      const others = [...known].filter(([other]) => other !== text).map(([, other]) => other)
      return others.length > 0 ? pick(random, others) : undefined
    },
  }
}

/** A wrapper of fetch that changes an answer. */
function tamperingFetch(tamper: Tamper): typeof fetch {
  const original = globalThis.fetch
  const others = createOthers()
  return async (input, init) => {
    const response = await original(input, init)
    if (!response.ok) return response
    const text = await response.text()
    const { fault, random } = tamper
    const { query } = JSON.parse(String(init?.body)) as { query: string }
    const answer = JSON.parse(text) as { fields: unknown[]; rows: Rows }
    const other = others.of(query, answer, random) as typeof answer | undefined
    return new Response(fault === undefined ? text : tampered(fault))

    function tampered(name: string): string {
      if (name === 'another body') return pick(random, BODIES)
      if (name === 'a truncated body') return text.slice(0, Math.floor(random() * text.length))
      if (name === 'rows of another statement') return JSON.stringify(other ?? {})
      if (name === 'fields of another statement') return JSON.stringify({ ...answer, fields: other?.fields ?? [] })
      if (name === 'no fields') return JSON.stringify({ ...answer, fields: pick(random, [null, [], {}, [null]]) })
      if (name === MISSING_ROWS) return JSON.stringify({ ...answer, rows: [] })
      return JSON.stringify({ ...answer, rows: ROW_FAULTS[name]?.(answer.rows, random, []) })
    }
  }
}

const HTTP_FAULTS = [
  ...Object.keys(ROW_FAULTS),
  'another body',
  'a truncated body',
  'fields of another statement',
  'no fields',
  MISSING_ROWS,
]

/** A proxy callback that changes the answer. */
function tamperingProxy(url: string, tamper: Tamper): Database {
  const pool = createPool(url)
  const others = createOthers()
  return drizzleProxy(async (text, params, method) => {
    const { rows } = await pool.query({ text, values: params, ...(method === 'all' && { rowMode: 'array' as const }) })
    const { fault, random } = tamper
    const other = others.of(text, rows, random) as Rows | undefined
    if (fault === undefined || method !== 'all') return { rows }
    if (fault === MISSING_ROWS) return { rows: [] }
    if (fault === 'no answer') return pick(random, [null, undefined, {}, [], 'rows']) as never
    return { rows: ROW_FAULTS[fault]?.(rows, random, other ?? [null]) as never }
  })
}

const PROXY_FAULTS = [...Object.keys(ROW_FAULTS), 'no answer', MISSING_ROWS]

interface Seen {
  errors: number
}

/** Describes what is wrong with the outcome of a call; undefined if nothing is. */
async function judge(
  call: Call,
  cache: Cache,
  unique: string,
  may: { miss: boolean },
  seen: Seen,
): Promise<string | undefined> {
  try {
    const answer = await call.run(cache, unique)
    if (call.isRight(answer)) return undefined
    const isMiss = 'absent' in call && JSON.stringify(answer) === JSON.stringify(call.absent)
    return isMiss && may.miss ? undefined : `answered ${JSON.stringify(answer)}`
  } catch (error) {
    const isExpected = error instanceof CacheError && (error.code === 'DATABASE' || error.code === 'CIRCUIT_OPEN')
    if (isExpected) seen.errors++
    return isExpected ? undefined : `threw ${String(error)}`
  }
}

const transports = {
  'neon-http': { faults: HTTP_FAULTS, connect: connectHttp },
  'pg-proxy': { faults: PROXY_FAULTS, connect: async (url: string, tamper: Tamper) => tamperingProxy(url, tamper) },
}

async function connectHttp(url: string, tamper: Tamper): Promise<Database> {
  const server = await startLocalNeon({ database: url })
  cleanup(() => server.close())
  vi.stubGlobal('fetch', tamperingFetch(tamper))
  return drizzleNeon({ client: neon(server.connectionString) })
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe.each(Object.entries(transports))('over %s', (_name, { faults, connect }) => {
  let url: string
  beforeAll(async () => {
    url = await createDatabase()
    const db = drizzlePg({ client: createPool(url) })
    await migrate(db)
    await prepare(createCache(db))
  })

  it.each(['throw', 'miss'] as const)(
    'takes no malformed answer for a value, with onError: %s',
    { timeout: 300_000 },
    async (onError) => {
      const random = seededRandom(SEED)
      const tamper: Tamper & { planned?: string } = {
        random,
        get fault() {
          return random() < FAULT_RATE ? this.planned : undefined
        },
      }
      const db = await connect(url, tamper)
      const names = Object.keys(CALLS)
      const wrong: string[] = []
      const seen: Seen = { errors: 0 }
      let cache = createCache(db, { onError, timeout: 60_000 })
      // So that answers of other statements are known from the start.
      for (const [name, call] of Object.entries(CALLS)) await call.run(cache, `warm ${name} ${onError}`)
      for (let i = 0; i < CALLS_EACH; i++) {
        const name = pick(random, names)
        tamper.planned = pick(random, faults)
        // An open circuit would leave most calls unsent.
        if (i % 4 === 0) cache = createCache(db, { onError, timeout: 60_000 })
        const may = { miss: onError === 'miss' || tamper.planned === MISSING_ROWS }
        const fault = await judge(CALLS[name] as Call, cache, `${onError} ${i}`, may, seen)
        if (fault !== undefined) wrong.push(`${name}, ${tamper.planned}: ${fault} (call ${i} of seed ${SEED})`)
      }
      expect(wrong).toEqual([])
      expect(seen.errors).toBeGreaterThan(CALLS_EACH / 20)
    },
  )
})
