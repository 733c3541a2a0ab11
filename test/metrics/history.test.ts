import { sql } from 'drizzle-orm'
import { createCache, InvalidExpirationError, InvalidOptionError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { type HistoryOptions, historyListener } from 'pgstash/telemetry'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { EVENTS, SECRET } from './events.ts'

const MINUTE = 60_000

let database: string
let neon: Awaited<ReturnType<typeof createNeon>>

beforeAll(async () => {
  database = await createDatabase()
  neon = await createNeon(database)
  await migrate(neon.db)
})

beforeEach(async () => {
  await neon.db.execute(sql`truncate cache_history, cache_entries`)
  neon.faults.heal()
  neon.faults.reset()
  // Moves only the clock of the process, which decides when to write.
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

/** A listener, and a way to wait for its background work. */
function listener(options: HistoryOptions = {}) {
  const works: Promise<unknown>[] = []
  const listen = historyListener(neon.db, { waitUntil: (work) => void works.push(work), ...options })
  return { listen, works, settled: () => Promise.all(works) }
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

async function rows(): Promise<Record<string, unknown>[]> {
  return (await neon.db.execute(sql`select * from cache_history order by name, bucket_at`)).rows
}

// Only of this database, because others of the server have locks as well.
const WAITING = `select 1 from pg_locks where not granted and relation = 'cache_history'::regclass
  and database = (select oid from pg_database where datname = current_database())`

/** Locks the history for writers until the returned function is called. */
async function openLock() {
  const pool = createPool(database, { max: 1 })
  await pool.query('begin; lock table cache_history in exclusive mode')
  return {
    awaited: () => expect.poll(async () => (await pool.query(WAITING)).rows.length).toBeGreaterThan(0),
    release: () => pool.query('commit'),
  }
}

describe('the history of a cache', () => {
  it('sums events up, and writes them in the background with the first event after a minute', async () => {
    const { listen, works, settled } = listener({ name: 'shop' })
    for (const event of Object.values(EVENTS)) listen(event)
    later(MINUTE - 1)
    listen(EVENTS.hit)
    expect([works.length, neon.faults.requests]).toEqual([0, 0])
    later(1)
    listen(EVENTS.hit)
    expect(works).toHaveLength(1)
    await settled()
    expect(neon.faults.requests).toBe(1)
    expect(await rows()).toMatchObject([
      {
        name: 'shop',
        hits: '9',
        misses: '2',
        stale: '1',
        writes: '1',
        deletes: '40',
        invalidations: '2',
        fills: '2',
        fill_ms: 290,
        slowest_fill_ms: 250,
        cleanups: '1',
        removed: '500',
        errors: '1',
      },
    ])
  })

  it('counts allowed and refused calls of limits, including refusals by the block list', async () => {
    const { listen } = listener({ name: 'limits' })
    const cache = createCache(neon.db, { onEvent: listen })
    for (let i = 0; i < 4; i++) await cache.limit('client', { limit: 1, period: '1h', blockList: true })
    await cache.set('key', 1)
    await listen.flush()
    expect(await rows()).toMatchObject([{ name: 'limits', allowed: '1', refused: '3', writes: '2' }])
  })

  it('sends one statement a minute for any number of events, into one row for five minutes', async () => {
    const { listen, settled } = listener()
    for (let minute = 0; minute < 4; minute++) {
      for (let i = 0; i < 500; i++) listen(EVENTS.miss)
      later(MINUTE)
      await settled()
    }
    await listen.flush()
    // The database's clock keeps running, so a new bucket may have begun.
    const stored = await rows()
    expect(stored.length).toBeLessThanOrEqual(2)
    expect(stored.reduce((sum, row) => sum + Number(row.misses), 0)).toBe(4 * 500 * EVENTS.miss.count)
    expect(neon.faults.requests).toBeLessThanOrEqual(4 + 1)
  })

  it('writes at once if asked to, and nothing if nothing happened', async () => {
    const { listen } = listener()
    await listen.flush()
    expect(neon.faults.requests).toBe(0)
    listen(EVENTS.hit)
    await listen.flush()
    await listen.flush()
    expect(neon.faults.requests).toBe(1)
  })

  it('sums up the counts of several isolates', async () => {
    const listeners = [listener(), listener(), listener()]
    for (const { listen } of listeners) listen(EVENTS.fill)
    await Promise.all(listeners.map(({ listen }) => listen.flush()))
    const stored = await rows()
    expect(stored.reduce((sum, row) => sum + Number(row.fills), 0)).toBe(3)
    expect(stored[0]).toMatchObject({ slowest_fill_ms: EVENTS.fill.computeMs })
  })

  it('stays small: each write deletes rows older than a week, from any writer', async () => {
    await neon.db.execute(sql`
      insert into cache_history (name, bucket_at)
      select 'gone', now() - day * interval '1 day' from generate_series(0, 20) as day`)
    const { listen } = listener()
    listen(EVENTS.hit)
    await listen.flush()
    expect((await rows()).map(({ name }) => name)).toEqual([...Array(7).fill('gone'), 'pgstash'])
  })

  it('never contains a key, a value or an error', async () => {
    const { listen } = listener()
    for (const event of Object.values(EVENTS)) listen(event)
    await listen.flush()
    expect(JSON.stringify(await rows())).not.toContain(SECRET)
  })

  it('costs the operations of a cache nothing: no request, and no error if it fails', async () => {
    const onError = vi.fn()
    const { listen, settled } = listener({ onError })
    const cache = createCache(neon.db, { onEvent: listen })
    await cache.set('key', 'value')
    later(MINUTE)
    await neon.db.execute(sql`alter table cache_history rename to cache_history_away`)
    neon.faults.reset()
    expect(await cache.get('key')).toBe('value')
    await settled()
    expect(neon.faults.requests).toBe(2)
    expect(onError).toHaveBeenCalledOnce()
    await neon.db.execute(sql`alter table cache_history_away rename to cache_history`)
    expect(await cache.get('key')).toBe('value')
    later(MINUTE)
    expect(await cache.get('key')).toBe('value')
    await settled()
    expect((await rows()).reduce((sum, row) => sum + Number(row.hits), 0)).toBe(2)
  })

  it('waits for a pending write if asked to write', async () => {
    const { listen } = listener()
    const lock = await openLock()
    listen(EVENTS.hit)
    later(MINUTE)
    listen(EVENTS.hit)
    vi.useRealTimers()
    let hasEnded = false
    const flushed = listen.flush().then(() => (hasEnded = true))
    await lock.awaited()
    expect(hasEnded).toBe(false)
    await lock.release()
    await flushed
    expect(await rows()).toMatchObject([{ hits: '6' }])
  })

  it('writes again after the clock was set back', async () => {
    const { listen, settled } = listener()
    listen(EVENTS.hit)
    later(-10 * MINUTE)
    listen(EVENTS.hit)
    await settled()
    expect(await rows()).toMatchObject([{ hits: '6' }])
  })

  it('writes although waitUntil belongs to a request that has ended, and throws', async () => {
    const { listen } = listener({
      waitUntil: () => {
        throw new Error('the request has ended')
      },
    })
    listen(EVENTS.hit)
    later(MINUTE)
    listen(EVENTS.hit)
    vi.useRealTimers()
    await expect.poll(async () => (await rows()).length).toBe(1)
  })

  it('writes into tables of other names', async () => {
    const tables = cacheTables({ prefix: 'own_' })
    await migrate(neon.db, { tables })
    const { listen } = listener({ tables })
    listen(EVENTS.hit)
    await listen.flush()
    expect(await neon.db.select({ hits: tables.history.hits }).from(tables.history)).toEqual([{ hits: 3 }])
  })

  it.each([
    ['another db', () => historyListener({} as never), InvalidOptionError],
    ['a misspelt option', () => historyListener(neon.db, { nmae: 'x' } as never), InvalidOptionError],
    ['an empty name', () => historyListener(neon.db, { name: '' }), InvalidOptionError],
    ['a long name', () => historyListener(neon.db, { name: 'ü'.repeat(43) }), InvalidOptionError],
    ['a span of zero', () => historyListener(neon.db, { every: 0 }), InvalidExpirationError],
    ['a date as retention', () => historyListener(neon.db, { keep: new Date() }), InvalidExpirationError],
    [
      'a waitUntil that is not a function',
      () => historyListener(neon.db, { waitUntil: true as never }),
      InvalidOptionError,
    ],
  ])('refuses %s when it is created', (_name, make, error) => {
    expect(make).toThrow(error)
    expect(neon.faults.requests).toBe(0)
  })
})
