/** How postgres-js handles statements that share a connection, and how a timeout must end them. */
import type { Logger } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import type pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'

const HASTY_MS = 1_500
/** A routine, with the version of its set. */
const ROUTINE = /from "cache_\w+_[0-9a-f]{8}"\(/
const PATIENT = { timeout: 60_000 } as const

let url: string
let admin: pg.Pool

beforeAll(async () => {
  url = await createDatabase()
  admin = createPool(url)
  await migrate(drizzle(admin))
})

function connect(options: postgres.Options<Record<string, never>> = {}) {
  const client = postgres(url, { max: 1, fetch_types: false, ...options })
  cleanup(() => client.end({ timeout: 1 }))
  return client
}

async function lockEntries(): Promise<() => Promise<unknown>> {
  const locker = await admin.connect()
  await locker.query('begin; lock table cache_entries in access exclusive mode')
  return async () => {
    await locker.query('commit')
    locker.release()
  }
}

const isWaiting = async () =>
  expect(
    (await admin.query(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`))
      .rowCount,
  ).toBe(1)

/** Twice, so that the client has prepared the statements and could pipeline others behind them. */
async function warm(...caches: Cache[]) {
  for (const cache of [...caches, ...caches]) {
    await cache.setMany({ a: 'a', b: 'b', c: 'c' })
    await cache.getMany(['a', 'b'])
    await cache.increment('counter', 0)
  }
}

describe('a statement that times out among others', () => {
  it('is not sent, and the others get the right answers', async () => {
    const db = drizzlePostgres({ client: connect() })
    const [patient, hasty] = [createCache(db, PATIENT), createCache(db, { timeout: HASTY_MS })]
    await warm(patient)
    const unlock = await lockEntries()
    const before = patient.getMany(['a', 'x'])
    const late = hasty.getMany(['b', 'x'])
    const increment = hasty.increment('counter')
    const behind = [patient.getMany(['c', 'x']), patient.getMany(['a', 'y'])]
    const untouched = { code: 'TIMEOUT', sent: false }
    await Promise.all([late, increment].map((call) => expect(call).rejects.toMatchObject(untouched)))
    await unlock()
    expect(await before).toEqual(new Map([['a', 'a']]))
    expect(await Promise.all(behind)).toEqual([new Map([['c', 'c']]), new Map([['a', 'a']])])
    expect(await patient.get('counter')).toBe(0)
  })

  it('leaves the right answers to statements of the program', async () => {
    const client = connect()
    const hasty = createCache(drizzlePostgres({ client }), { timeout: HASTY_MS })
    await warm(createCache(drizzlePostgres({ client }), PATIENT))
    const ask = (answer: string) => client`select ${answer}::text as answer`.then(([row]) => row?.answer)
    for (const answer of ['warm', 'prepared']) await ask(answer)
    const unlock = await lockEntries()
    const late = hasty.getMany(['a', 'x'])
    const asked = ['one', 'two', 'three'].map(ask)
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', sent: true })
    expect(await Promise.all(asked)).toEqual(['one', 'two', 'three'])
    await unlock()
  })

  it('leaves a connection usable that the program has reserved', async () => {
    const client = connect({ fetch_types: true })
    await client`select 1`
    const reserved = await client.reserve()
    // Drizzle reads the options of a client, but postgres-js gives a reserved connection none.
    const db = drizzlePostgres({ client: Object.assign(reserved, { options: client.options }) as never })
    const [patient, hasty] = [createCache(db, PATIENT), createCache(db, { timeout: HASTY_MS })]
    await warm(patient)
    const unlock = await lockEntries()
    const before = patient.getMany(['a', 'x'])
    await eventually(isWaiting)
    await expect(hasty.getMany(['b', 'x'])).rejects.toMatchObject({ code: 'TIMEOUT' })
    await unlock()
    expect(await before).toEqual(new Map([['a', 'a']]))
    expect(await patient.get('c')).toBe('c')
    reserved.release()
  })
})

describe('a client with `prepare: false`', () => {
  it('calls routines, because no session keeps the plan of a statement', async () => {
    const logged: string[] = []
    const logger: Logger = { logQuery: (text) => void logged.push(text) }
    const textOf = async (prepare: boolean) => {
      const cache = createCache(drizzlePostgres(connect({ prepare }), { logger }), PATIENT)
      logged.length = 0
      await cache.set('key', 1)
      return logged[0]
    }
    expect(await textOf(false)).toMatch(ROUTINE)
    expect(await textOf(true)).not.toMatch(ROUTINE)
  })
})
