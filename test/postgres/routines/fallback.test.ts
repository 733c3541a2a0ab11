/** A database without routines, or whose role may not execute them: each statement is sent inline. */
import { inspect } from 'node:util'
import { drizzle } from 'drizzle-orm/node-postgres'
import { type CacheEvent, type CacheOptions, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createPool } from '../../setup/databases.ts'
import { createNeon } from '../../setup/neon.ts'
import { CALLS, prepare } from '../calls.ts'
import { asRole, createRole, createSite, installed, isCall, type Site } from './site.ts'

const realNow = performance.now.bind(performance)
let minutesPassed = 0

afterEach(() => {
  minutesPassed = 0
  vi.restoreAllMocks()
})

/** Moves the clock of the process forward. */
function passMinutes(minutes: number): void {
  minutesPassed += minutes
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + minutesPassed * 60_000)
}

/** A cache, and the events about routines that it emits. */
function observed(site: Pick<Site, 'create'>, options: CacheOptions = {}) {
  const events: CacheEvent[] = []
  const cache = site.create({
    ...options,
    onEvent: (event) => {
      if (event.type === 'error' && event.operation === 'routines') events.push(event)
    },
  })
  return { cache, events }
}

/** The same database and tables, as a role that may use the cache. */
async function asUser(site: Site, ...grants: string[]) {
  const role = await createRole(site, ...grants)
  const neon = await createNeon(asRole(site.url, role.name))
  const create: Site['create'] = (given = {}) =>
    createCache(neon.db, { tables: site.tables, timeout: 60_000, ...given })
  const calls = () => neon.faults.log.map(({ sql }) => isCall(sql[0] ?? ''))
  return { ...neon, name: role.name, create, calls }
}

async function revoke({ pool }: Site): Promise<void> {
  for (const { name } of await installed(pool)) {
    const { rows } = await pool.query('select oid::regprocedure::text as it from pg_proc where proname = $1', [name])
    await pool.query(`revoke execute on function ${rows[0].it} from public`)
  }
}

describe('without routines', () => {
  it('every operation gives the same answer', async () => {
    const site = await createSite({ routines: false })
    const cache = site.create()
    await prepare(cache)
    const wrong: string[] = []
    for (const [name, { run, isRight }] of Object.entries(CALLS)) {
      const answer = await run(cache, `unique ${name}`)
      if (!isRight(answer)) wrong.push(`${name}: ${JSON.stringify(answer)}`)
    }
    expect(wrong).toEqual([])
    expect(site.calls().filter(Boolean).length).toBe(1)
  })

  it('the first call takes a second round trip, and no later call of any cache of these tables does', async () => {
    const site = await createSite({ routines: false })
    const cache = site.create()
    await cache.get('key')
    expect(site.calls()).toEqual([true, false])
    site.faults.reset()
    await cache.get('key')
    await cache.set('key', 1)
    await cache.namespace('app').clear()
    await site.create().get('key')
    await site.create().increment('counter')
    expect(site.calls()).toEqual([false, false, false, false, false])
  })

  it('the event counts both round trips', async () => {
    const site = await createSite({ routines: false })
    const trips: number[] = []
    const cache = site.create({
      onEvent: (event) => {
        if ('roundTrips' in event) trips.push(event.roundTrips)
      },
    })
    await cache.get('key')
    await cache.get('key')
    // The first event is about the routines.
    expect(trips).toEqual([0, 2, 1])
  })

  it('one event gives advice, and shows no value', async () => {
    const site = await createSite({ routines: false })
    const { cache, events } = observed(site)
    await cache.set('secret-key', 'secret-value', { tags: ['secret-tag'] })
    await cache.get('secret-key')
    await cache.getOrSet('other', () => 1)
    expect(events).toEqual([
      {
        type: 'error',
        operation: 'routines',
        error: expect.objectContaining({
          name: 'DatabaseError',
          sqlState: '42883',
          message: expect.stringMatching(/^The routines .+ are not installed: run pgstash migrate\./),
        }),
        durationMs: 0,
        roundTrips: 0,
        bytes: 0,
      },
    ])
    expect(inspect(events, { depth: 10, showHidden: true })).not.toMatch(/secret|postgres(ql)?:/)
  })

  it('a cache tries again after ten minutes, and uses routines that were installed meanwhile', async () => {
    const site = await createSite({ routines: false })
    const { cache, events } = observed(site)
    await cache.get('key')
    passMinutes(9)
    site.faults.reset()
    await cache.get('key')
    expect(site.calls()).toEqual([false])
    passMinutes(2)
    site.faults.reset()
    await cache.get('key')
    await cache.get('key')
    expect(site.calls()).toEqual([true, false, false])
    await migrate(site.db, { tables: site.tables })
    passMinutes(11)
    site.faults.reset()
    await cache.get('key')
    await cache.set('key', 1)
    expect(site.calls()).toEqual([true, true])
    expect(events.length).toBe(1)
  })

  it('concurrent first calls all succeed, and cause one event', async () => {
    const site = await createSite({ routines: false })
    const { cache, events } = observed(site)
    const sums = await Promise.all(Array.from({ length: 8 }, () => cache.increment('counter')))
    expect(sums.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(site.calls().filter((isCalled) => !isCalled).length).toBe(8)
    expect(site.faults.requests).toBeLessThanOrEqual(16)
    expect(events.length).toBe(1)
  })

  it('a write whose answer is lost is not sent again', async () => {
    const site = await createSite({ routines: false })
    const cache = site.create()
    site.faults.next({ kind: 'delay', ms: 0 })
    site.faults.next({ kind: 'lose' })
    await expect(cache.increment('counter')).rejects.toMatchObject({ code: 'DATABASE' })
    expect(site.calls()).toEqual([true, false])
    expect(await cache.get('counter')).toBe(1)
  })

  it('the error names missing tables, not missing routines', async () => {
    const site = await createSite()
    const { cache, events } = observed(site)
    for (let i = 0; i < 2; i++) {
      await expect(cache.get('key')).rejects.toMatchObject({
        sqlState: '42P01',
        message: expect.stringContaining('pgstash migrate'),
      })
    }
    expect(events).toEqual([])
    await migrate(site.db, { tables: site.tables })
    site.faults.reset()
    await cache.get('key')
    expect(site.calls()).toEqual([true])
  })

  it('the error names a missing schema as well', async () => {
    const tables = cacheTables({ schema: 'nowhere' })
    const { db } = await createSite()
    await expect(createCache(db, { tables, timeout: 60_000 }).get('key')).rejects.toMatchObject({ sqlState: '42P01' })
  })

  it('the cache replaces dropped routines by inline statements', async () => {
    const site = await createSite({})
    const { cache, events } = observed(site)
    await cache.set('key', 1)
    await migrate(site.db, { tables: site.tables, routines: false })
    site.faults.reset()
    expect(await cache.increment('key')).toBe(2)
    expect(await cache.increment('key')).toBe(3)
    expect(site.calls()).toEqual([true, false, false])
    expect(events.length).toBe(1)
  })
})

describe('a role that may not execute routines', () => {
  it('sends inline statements, and an event names the grant', async () => {
    const site = await createSite({})
    const grants = ['grant select, insert, update, delete on all tables in schema public to']
    const user = await asUser(site, ...grants)
    await revoke(site)
    const { cache, events } = observed(user)
    await cache.set('key', 1)
    expect(await cache.get('key')).toBe(1)
    expect(user.calls()).toEqual([true, false, false])
    expect(events).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({
          sqlState: '42501',
          message: expect.stringMatching(/grant it execute on them/),
        }),
      }),
    ])
    await site.pool.query(`grant execute on all functions in schema public to ${user.name}`)
    passMinutes(11)
    user.faults.reset()
    expect(await cache.get('key')).toBe(1)
    expect(user.calls()).toEqual([true])
  })

  it('falls back after one failure if it was allowed to before', async () => {
    const site = await createSite({})
    const user = await asUser(site, 'grant select, insert, update, delete on all tables in schema public to')
    const { cache, events } = observed(user)
    await cache.set('key', 1)
    await revoke(site)
    await expect(cache.get('key')).rejects.toMatchObject({ sqlState: '42501' })
    expect(await cache.get('key')).toBe(1)
    expect(await cache.get('key')).toBe(1)
    expect(user.calls()).toEqual([true, true, true, false, false])
    expect(events.length).toBe(1)
  })

  it('gets the refusal of a table at once if it has called a routine, without an event about routines', async () => {
    const site = await createSite({})
    const user = await asUser(site, 'grant select on all tables in schema public to')
    const { cache, events } = observed(user)
    // Before its first success, it cannot tell a missing right on the table from one on the routine.
    await expect(cache.set('key', 1)).rejects.toMatchObject({ sqlState: '42501' })
    expect(user.calls()).toEqual([true, false])
    expect(await cache.get('key')).toBeUndefined()
    user.faults.reset()
    await expect(cache.set('key', 1)).rejects.toMatchObject({ sqlState: '42501' })
    expect(user.calls()).toEqual([true])
    expect(events).toEqual([])
  })
})

it('a transaction of the caller never tries a routine, because a missing one would abort it', async () => {
  const site = await createSite({ routines: false })
  const statements: string[] = []
  const db = drizzle(createPool(site.url), { logger: { logQuery: (query) => statements.push(query) } })
  await db.transaction(async (tx) => {
    const cache = createCache(tx, { tables: site.tables, preparedNames: false })
    await cache.set('key', 1)
    expect(await cache.getOrSet('key', () => 2)).toBe(1)
  })
  expect(statements.filter((statement) => statement.includes('cache_')).length).toBeGreaterThan(1)
  expect(statements.filter(isCall)).toEqual([])
})
