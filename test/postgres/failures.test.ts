import { inspect } from 'node:util'
import { neon, neonConfig } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { type Cache, type CacheError, createCache, DatabaseError, DatabaseTimeoutError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { Fault, Faults, InterceptedRequest } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createGate } from '../setup/gate.ts'
import { createNeon } from '../setup/neon.ts'

/** Nothing listens on this port. No program is assigned one so low, and `fetch` does not block it. */
const NOBODYS_PORT = 2
/** For caches whose timeout must end a statement: long enough that any machine sends the statement first. */
const HASTY_MS = 5_000

let faults: Faults
let db: NeonHttpDatabase
let cache: Cache

beforeAll(async () => {
  ;({ db, faults } = await createNeon(await createDatabase()))
})
beforeEach(async () => {
  faults.heal()
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
  await cache.clear()
  faults.reset()
})

const RESET: Fault = { kind: 'reset' }
const LOSE: Fault = { kind: 'lose' }
const DOWN: Fault = { kind: 'error', status: 503, body: 'secret proxy page' }
const sqlError = (code: string): Fault => ({
  kind: 'error',
  status: 400,
  body: { message: 'secret', code, severity: 'ERROR' },
})

describe('retries', () => {
  it('survive two network failures of a read', async () => {
    await cache.set('key', 1)
    const ended = ['57P01', '57P05', '08P01'].map(sqlError)
    for (const fault of [RESET, LOSE, DOWN, ...ended, { kind: 'truncate', bytes: 10 } as const]) {
      faults.next(fault, 2)
      expect(await cache.get('key')).toBe(1)
      faults.next(fault, 2)
      expect(await cache.get('key', { sliding: 60 })).toBe(1)
    }
  })

  it('pass the third network failure on to the caller', async () => {
    faults.next(RESET, 3)
    await expect(cache.get('key')).rejects.toMatchObject({ code: 'DATABASE' })
    expect(faults.requests).toBe(3)
  })

  it('send a write only once if it may have arrived', async () => {
    const writes: Record<string, () => Promise<unknown>> = {
      set: () => cache.set('key', 1),
      setMany: () => cache.setMany({ a: 1, b: 1 }),
      add: () => cache.add('key', 1),
      increment: () => cache.increment('key'),
      limit: () => cache.limit('key', { limit: 1, period: 60 }),
      pull: () => cache.pull('key'),
      delete: () => cache.delete('key'),
      deleteMany: () => cache.deleteMany(['key']),
      clear: () => cache.clear(),
      touch: () => cache.touch('key', 60),
      invalidate: () => cache.invalidate('tag'),
    }
    for (const write of Object.values(writes)) {
      for (const fault of [RESET, LOSE, DOWN]) {
        faults.reset()
        faults.next(fault)
        await expect(write()).rejects.toMatchObject({ code: 'DATABASE' })
        expect(faults.requests).toBe(1)
      }
    }
  })

  it('count an increment once although its answer was lost', async () => {
    faults.next(LOSE)
    await expect(cache.increment('key')).rejects.toThrow()
    expect(await cache.get('key')).toBe(1)
  })

  it('repeat every statement that the server rolled back or never received', async () => {
    for (const code of ['40001', '40P01', '53300', '57P03', '57P05']) {
      faults.next(sqlError(code), 2)
      expect(await cache.increment(`key ${code}`)).toBe(1)
    }
    faults.next({ kind: 'error', status: 429 }, 2)
    expect(await cache.increment('key 429')).toBe(1)
  })

  it('try a call once if the failure will not pass by itself', async () => {
    for (const code of ['42501', '53100', '22003', '25006', '57P04']) {
      faults.reset()
      faults.next(sqlError(code))
      await expect(cache.get('key')).rejects.toMatchObject({ sqlState: code })
      expect(faults.requests).toBe(1)
    }
  })

  it('treat a refusal by the endpoint as not run, unless it was a timeout', async () => {
    for (const status of [401, 403, 404, 408, 413]) {
      faults.reset()
      faults.next({ kind: 'error', status })
      await expect(cache.set('key', 1)).rejects.toMatchObject({ status, sent: status === 408 })
      expect(faults.requests).toBe(1)
    }
  })

  it('drop a lost statement name even after other failures', async () => {
    faults.next(sqlError('57P01'), 2)
    faults.next(sqlError('26000'))
    expect(await cache.get('key')).toBe(undefined)
  })

  it('treat a refused connection as never sent', async () => {
    const nowhere = createCache(drizzle(neon(`postgresql://user:s3cret@localhost:${NOBODYS_PORT}/db`)), {
      timeout: 60_000,
    })
    const error = await nowhere.set('key', 1).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'DATABASE', sent: false, sqlState: undefined })
    const pool = new pg.Pool({ connectionString: `postgresql://user:s3cret@127.0.0.1:${NOBODYS_PORT}/db` })
    const nobodys = createCache(drizzlePg(pool), { timeout: 60_000 })
    await expect(nobodys.set('key', 1)).rejects.toMatchObject({ code: 'DATABASE', sent: false })
  })
})

describe('a slow database', () => {
  it('gets one request, or two, for all gets of one tick', async () => {
    await cache.setMany({ a: 1, b: 2 })
    faults.reset()
    // The callers that wait for a shared read retry after half of their timeout.
    const slow = createCache(db, { timeout: 12_000 })
    const isAskedAgain = createGate()
    const { onRequest } = faults
    // The first answer is held back until the second request arrives.
    Object.assign(faults, {
      async onRequest(request: InterceptedRequest) {
        onRequest(request)
        if (faults.requests > 1) isAskedAgain.open()
        await isAskedAgain.opened
      },
    })
    const keys = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 'a' : 'b'))
    const values = await Promise.all(keys.map((key) => slow.get(key))).finally(() =>
      Object.assign(faults, { onRequest }),
    )
    expect(values).toEqual(keys.map((key) => (key === 'a' ? 1 : 2)))
    expect(faults.requests).toBe(2)
  })

  it('gets smaller batches of cleanup and clear, until they finish in time', async () => {
    await cache.setMany(
      Array.from({ length: 300 }, (_, i) => [`key ${i}`, 1]),
      { expiration: 0 },
    )
    faults.reset()
    faults.next(sqlError('57014'), 2)
    const progress: number[] = []
    expect(await cache.clearExpired({ batch: 6_400, onProgress: (removed) => progress.push(removed) })).toEqual({
      removed: 300,
      more: false,
    })
    expect(progress).toEqual([100, 200, 300, 300])
    await cache.setMany({ a: 1, b: 1 })
    faults.next(sqlError('57014'))
    expect(await cache.clear()).toBe(2)
  })

  it('makes cleanup reject if it never answers', async () => {
    const events: string[] = []
    const hasty = createCache(db, { timeout: 300, onEvent: ({ type }) => void events.push(type) })
    faults.always({ kind: 'hang' })
    await expect(hasty.clearExpired({ timeBudget: 200 })).rejects.toBeInstanceOf(DatabaseTimeoutError)
    expect(events).toEqual(['error'])
    faults.heal()
    await cache.setMany({ a: 1, b: 1 }, { expiration: 0 })
    faults.next(sqlError('57014'))
    await expect(cache.clearExpired({ timeBudget: 0 })).rejects.toMatchObject({ sqlState: '57014' })
    expect(await cache.clearExpired({ timeBudget: 0, batch: 1 })).toEqual({ removed: 1, more: true })
  })
})

describe('the timeout', () => {
  it('ends a hanging request, aborts its fetch, and leaves the cache usable', async () => {
    const hasty = createCache(db, { timeout: HASTY_MS })
    faults.next({ kind: 'hang' })
    await expect(hasty.get('key')).rejects.toBeInstanceOf(DatabaseTimeoutError)
    // The endpoint counts a request as done when its client has disconnected.
    await expect.poll(() => faults.log.at(-1)?.status).toBe(0)
    expect(await cache.get('key')).toBe(undefined)
  })

  it('includes all retries', async () => {
    const hasty = createCache(db, { timeout: HASTY_MS })
    faults.always({ kind: 'delay', ms: 3_600_000 })
    await expect(hasty.get('key')).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(faults.requests).toBe(1)
  })

  it('sends nothing after it, and leaves no timer behind', async () => {
    const hasty = createCache(db, { timeout: HASTY_MS })
    // Counted by the sender, because a request sent before the timeout may arrive after it.
    let sent = 0
    neonConfig.fetchFunction = (url: string, options: RequestInit) => {
      sent++
      return fetch(url, options)
    }
    onTestFinished(() => {
      neonConfig.fetchFunction = undefined
    })
    await cache.get('key')
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    await hasty.get('key')
    faults.always(sqlError('40001'))
    await expect(hasty.increment('key')).rejects.toMatchObject({ code: 'TIMEOUT' })
    const sentInTime = sent
    faults.heal()
    await expect.poll(timers).toBeLessThanOrEqual(before)
    expect([sentInTime > 1, sent]).toEqual([true, sentInTime])
    expect(await cache.get('key')).toBe(undefined)
  })

  it('works on drivers that cannot abort', async () => {
    const pool = createPool(await createDatabase(), { max: 2 })
    const direct = drizzlePg(pool)
    await migrate(direct)
    await direct.transaction(async (tx) => {
      await tx.execute(sql`lock table cache_entries in access exclusive mode`)
      await expect(createCache(direct, { timeout: 50 }).get('key')).rejects.toBeInstanceOf(DatabaseTimeoutError)
    })
    expect(await createCache(direct, { timeout: 60_000 }).get('key')).toBe(undefined)
  })
})

describe('errors', () => {
  const SECRETS = /s3cret|secret-key|secret-value|secret-tag|postgres(ql)?:\/\//

  async function failure(work: Promise<unknown>): Promise<CacheError> {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Error)
    return error as CacheError
  }

  it('show no value, key, parameter or connection string, however they are printed', async () => {
    const unreachable = drizzle(neon('postgresql://s3cret:s3cret@localhost:1/s3cret'))
    const pool = createPool(await createDatabase())
    const direct = createCache(drizzlePg(pool))
    await pool.query('create table cache_entries (key text primary key)')
    const bad = createCache(db, { timeout: 60_000, codec: { encode: () => 'a\0secret-value', decode: () => 1 } })
    const errors = [
      await failure(createCache(unreachable).set('secret-key', 'secret-value', { tags: ['secret-tag'] })),
      await failure(migrate(unreachable)),
      await failure(direct.set('secret-key', 'secret-value')),
      await failure(direct.get('secret-key')),
      await failure(bad.set('secret-key', 'secret-value')),
      await failure(cache.set('secret-key', { bad: 1n, value: 'secret-value' })),
      await failure(cache.set('secret-key\0', 1)),
      await failure(cache.set('key', 1, { expiration: 'secret-value' as '1s' })),
      await failure(cache.increment('key', 'secret-value' as unknown as number)),
      await failure(cache.list({ cursor: 'secret-value!' })),
    ]
    await cache.set('secret-key', 'secret-value')
    errors.push(await failure(cache.increment('secret-key')))
    faults.next(sqlError('42501'))
    errors.push(await failure(cache.get('secret-key')))
    faults.next(DOWN, 3)
    errors.push(await failure(cache.get('secret-key')))
    await db.execute(sql`update cache_entries set value = '{"secret-value' where key = 'secret-key'`)
    errors.push(await failure(cache.get('secret-key')))
    for (const error of errors) {
      const shown = inspect(error, { depth: 10, showHidden: true }) + error.stack + JSON.stringify(error)
      expect(shown).not.toMatch(SECRETS)
      expect(error.message.length).toBeGreaterThan(20)
      expect(error.name).toMatch(/Error$/)
    }
  })

  it('say how to create missing tables', async () => {
    const fresh = await createNeon(await createDatabase())
    const error = await failure(createCache(fresh.db, { timeout: 60_000 }).get('key'))
    expect(error).toBeInstanceOf(DatabaseError)
    expect(error).toMatchObject({ sqlState: '42P01', message: expect.stringContaining('pgstash migrate') })
  })

  it('reject every get of one tick', async () => {
    faults.next(sqlError('42501'))
    const results = await Promise.allSettled(['a', 'b', 'a'].map((key) => cache.get(key)))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(faults.requests).toBe(1)
    expect(await cache.get('a')).toBe(undefined)
  })

  it('are not memoized by an entry', async () => {
    const entry = cache.entry('key')
    faults.next(sqlError('42501'))
    await expect(entry.exists()).rejects.toThrow()
    expect(await entry.exists()).toBe(false)
  })

  it('report options of the wrong type when the cache is created', () => {
    const wrong: object[] = [
      { timeout: 0 },
      { timeout: 1.5 },
      { timeout: 2 ** 31 },
      { timeout: '5' },
      { slack: -1 },
      { slack: Number.NaN },
      { codec: {} },
      { codec: null },
      { tables: {} },
      { preparedNames: 'yes' },
      { maxValueBytes: 0 },
      { onEvent: 'log' },
      [],
      null as unknown as object,
    ]
    for (const options of wrong) {
      expect(() => createCache(db, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
    for (const bad of [undefined, null, {}, 'mysql://s3cret@host/db', 1]) {
      expect(() => createCache(bad as unknown as NeonHttpDatabase)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    }
    expect(() => createCache(db, { namespace: '' })).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    expect(() => createCache(db, { expiration: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'INVALID_EXPIRATION' }),
    )
  })
})

describe('events', () => {
  it('report hits and misses of a batch, and a failure for an unreadable value', async () => {
    const events: unknown[] = []
    const watched = createCache(db, {
      timeout: 60_000,
      onEvent: async ({ type, operation, ...rest }) => {
        events.push([type, operation, 'count' in rest ? rest.count : undefined])
        throw new Error('later, of the listener')
      },
    })
    await watched.setMany({ a: 1, b: '2' })
    await watched.getMany(['a', 'b', 'c'])
    await db.execute(sql`update cache_entries set value = 'no JSON' where key = 'b'`)
    await watched.get('b').catch(() => {})
    await watched.limit('b', { limit: 1, period: 60 }).catch(() => {})
    expect(events).toEqual([
      ['write', 'setMany', 2],
      ['hit', 'getMany', 2],
      ['miss', 'getMany', 1],
      ['error', 'get', undefined],
      ['error', 'limit', undefined],
    ])
  })

  it('report what happened without keys or values, and cannot break the cache', async () => {
    const events: unknown[] = []
    const watched = createCache(db, {
      timeout: 60_000,
      onEvent: (event) => {
        events.push({ type: event.type, operation: event.operation })
        expect(Object.keys(event).sort()).toEqual(expect.arrayContaining(['durationMs', 'operation', 'type']))
        expect(inspect(event)).not.toContain('my-key')
        throw new Error('listener failed')
      },
    })
    await watched.get('my-key')
    await watched.set('my-key', 1)
    await watched.get('my-key')
    await watched.touch('my-key', 60)
    await watched.delete('my-key')
    await watched.invalidate('x')
    await watched.clearExpired()
    faults.next(sqlError('42501'))
    await watched.has('my-key').catch(() => {})
    expect(events).toEqual([
      { type: 'miss', operation: 'get' },
      { type: 'write', operation: 'set' },
      { type: 'hit', operation: 'get' },
      { type: 'touch', operation: 'touch' },
      { type: 'delete', operation: 'delete' },
      { type: 'invalidate', operation: 'invalidate' },
      { type: 'cleanup', operation: 'clearExpired' },
      { type: 'error', operation: 'has' },
    ])
  })
})
