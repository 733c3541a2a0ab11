import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'

let db: ReturnType<typeof drizzle>
let cache: Cache

beforeAll(async () => {
  db = drizzle(createPool(await createDatabase(), { max: 20 }))
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
})
beforeEach(async () => {
  await cache.clear()
})

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

/** A permutation that depends on the seed. */
const shuffled = (names: string[], seed: number) =>
  names
    .map((name, i) => [Math.sin(seed * 1_000 + i), name] as const)
    .sort(([a], [b]) => a - b)
    .map(([, name]) => name)

describe('twenty connections to a real server at once', () => {
  it('lose none of 20 × 50 increments, and get each sum once', async () => {
    const sums = await Promise.all(
      times(20, async () => {
        const own: number[] = []
        for (let i = 0; i < 50; i++) own.push(await cache.increment('counter'))
        return own
      }),
    )
    expect(new Set(sums.flat()).size).toBe(1_000)
    expect(await cache.get('counter')).toBe(1_000)
  })

  it('let one of 20 adds win, in each of 50 rounds', async () => {
    for (let round = 0; round < 50; round++) {
      const won = await Promise.all(times(20, (i) => cache.add(`add ${round}`, i)))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await cache.get(`add ${round}`)).toBe(won.indexOf(true))
    }
  })

  it('let one of 20 adds over an expired entry win, in each of 50 rounds', async () => {
    for (let round = 0; round < 50; round++) {
      await cache.set('key', 'expired', { expiration: 0 })
      const won = await Promise.all(times(20, (i) => cache.add('key', i)))
      expect(won.filter(Boolean)).toHaveLength(1)
    }
  })

  it('let one of 20 pulls win, in each of 50 rounds', async () => {
    for (let round = 0; round < 50; round++) {
      await cache.set('key', 'prize')
      const got = await Promise.all(times(20, () => cache.pull('key')))
      expect(got.filter((value) => value === 'prize')).toHaveLength(1)
    }
  })

  it('count each entry once among 20 deletes and 20 deleteManys', async () => {
    const names = times(100, (i) => `key ${i}`)
    await cache.setMany(names.map((name) => [name, 1]))
    const counts = await Promise.all([
      ...times(20, (i) => cache.deleteMany(shuffled(names, i))),
      ...names.map(async (name) => Number(await cache.delete(name))),
    ])
    expect(counts.reduce((a, b) => a + b)).toBe(100)
  })

  it('allow exactly 100 of 400 calls of a limit of 100', async () => {
    const calls = await Promise.all(times(400, () => cache.limit('limit', { limit: 100, period: '1h' })))
    expect(calls.filter((call) => call.allowed)).toHaveLength(100)
  })

  it('setMany, deleteMany, clear and clearExpired in opposite orders never deadlock', async () => {
    const names = times(400, (i) => `key ${i}`)
    const before = await deadlocks()
    await Promise.all(
      times(16, async (worker) => {
        for (let i = 0; i < 12; i++) {
          const order = worker % 2 === 0 ? names : [...names].reverse()
          const mixed = i % 3 === 0 ? shuffled(names, worker * 100 + i) : order
          if (worker % 8 === 6) await cache.deleteMany(mixed)
          else if (worker % 8 === 7) await (i % 2 === 0 ? cache.clear() : cache.clearExpired({ batch: 50 }))
          else
            await cache.setMany(
              mixed.map((name) => [name, i]),
              { expiration: i % 4 === 0 ? 0 : 60 },
            )
        }
      }),
    )
    expect(await deadlocks()).toBe(before)
  })

  it('a cleanup never deletes an entry that was refreshed meanwhile', async () => {
    const names = times(2_000, (i) => `key ${i}`)
    for (let round = 0; round < 5; round++) {
      await cache.setMany(
        names.map((name) => [name, 'old']),
        { expiration: 0 },
      )
      await Promise.all([
        ...times(4, () => cache.clearExpired({ batch: 100 })),
        ...times(8, (i) =>
          cache.setMany(
            names.filter((_, n) => n % 8 === i).map((name) => [name, 'fresh']),
            { expiration: 60 },
          ),
        ),
      ])
      expect((await cache.getMany(names)).size).toBe(2_000)
    }
  })

  it('concurrent cleanups together delete each entry once', async () => {
    await cache.setMany(
      times(5_000, (i) => [`key ${i}`, 1] as const),
      { expiration: 0 },
    )
    const results = await Promise.all(times(8, () => cache.clearExpired({ batch: 200 })))
    await cache.clearExpired()
    expect(results.reduce((sum, { removed }) => sum + removed, 0)).toBeLessThanOrEqual(5_000)
    expect((await cache.stats()).total).toBe(0)
  })

  it('a cleanup does not wait for a locked row', async () => {
    await cache.setMany({ locked: 1, free: 1 }, { expiration: 0 })
    await db.transaction(async (tx) => {
      await tx.execute(sql`select from cache_entries where key = 'locked' for update`)
      expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
    })
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
  })

  it('an increment that waited for a row uses the row’s latest value', async () => {
    await cache.set('key', 10)
    const waiting = await db.transaction(async (tx) => {
      await createCache(tx).set('key', 'text')
      const increment = cache.increment('key').catch((error: unknown) => error)
      await blocked()
      return { increment }
    })
    expect(await waiting.increment).toMatchObject({ code: 'NOT_A_NUMBER' })
    expect(await cache.get('key')).toBe('text')
  })

  it('a sliding read neither waits for a writer nor undoes its write', async () => {
    await cache.set('key', 'value', { expiration: 50 })
    await db.transaction(async (tx) => {
      await createCache(tx).touch('key', 0)
      expect(await cache.get('key', { sliding: 60 })).toBe('value')
    })
    expect(await cache.get('key', { sliding: 60 })).toBe(undefined)
  })

  it('an invalidation rejects entries written before it commits', async () => {
    await db.transaction(async (tx) => {
      await createCache(tx).invalidate('x')
      await cache.set('during', 'made of old data', { tags: ['x'] })
      expect(await cache.get('during')).toBe('made of old data')
    })
    expect(await cache.get('during')).toBe(undefined)
    await cache.set('after', 'made of new data', { tags: ['x'] })
    expect(await cache.get('after')).toBe('made of new data')
  })

  it('a deadline in the past counts as expired in a transaction that began before it', async () => {
    await cache.setMany({ set: 'old', touched: 'old' })
    await db.transaction(async (tx) => {
      await tx.execute(sql`select now()`)
      await cache.set('set', 'new', { expiration: 0 })
      await cache.touch('touched', 0)
      await cache.set('date', 'new', { expiration: new Date(Date.now() - 5) })
      expect((await createCache(tx).getMany(['set', 'touched', 'date'])).size).toBe(0)
    })
  })

  it('batches of several parts lock in one order: transactions in opposite orders do not deadlock', async () => {
    const names = times(10_050, (i) => `key ${i}`)
    const inTransaction = (work: (own: Cache) => Promise<unknown>) =>
      db.transaction((tx) => work(createCache(tx, { timeout: 60_000 })))
    for (let round = 0; round < 2; round++) {
      await Promise.all([
        inTransaction((own) => own.setMany(names.map((name) => [name, 1]))),
        inTransaction((own) => own.setMany([...names].reverse().map((name) => [name, 2]))),
      ])
      await Promise.all([
        inTransaction((own) => own.deleteMany(names)),
        inTransaction((own) => own.deleteMany([...names].reverse())),
      ])
    }
  })

  it('many concurrent sliding reads of a due entry write it once', async () => {
    await cache.set('key', 1, { expiration: 50 })
    await countUpdates()
    const values = await Promise.all(times(60, () => cache.get('key', { sliding: 60 })))
    expect(values).toEqual(times(60, () => 1))
    expect(await scalar(sql`select count(*) from updates`)).toBe(1)
  })
})

describe.each(['repeatable read', 'serializable'])('with default isolation %s', (level) => {
  it('repeats statements that conflict until each is done', async () => {
    const pool = createPool(await createDatabase(), {
      max: 10,
      options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`,
    })
    const strict = drizzle(pool)
    await Promise.all(times(5, () => migrate(strict)))
    const own = createCache(strict, { timeout: 60_000 })
    await Promise.all(
      times(10, async (worker) => {
        for (let i = 0; i < 10; i++) {
          await own.increment('counter')
          await own.setMany({ a: worker, b: i })
          await own.limit('limit', { limit: 5, period: '1h' })
        }
      }),
    )
    expect(await own.get('counter')).toBe(100)
    expect((await own.limit('limit', { limit: 5, period: '1h' })).count).toBe(6)
  })

  it('passes the serialization failure on inside a transaction of the caller', async () => {
    const strict = drizzle(
      createPool(await createDatabase(), { options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` }),
    )
    await migrate(strict)
    const outside = createCache(strict)
    await outside.set('key', 1)
    const failed = strict.transaction(async (tx) => {
      await createCache(tx).get('key')
      await outside.increment('key')
      await createCache(tx).increment('key')
    })
    await expect(failed).rejects.toMatchObject({ sqlState: '40001' })
  })
})

async function scalar(query: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await db.execute(query)
  return Number(Object.values(rows[0] ?? {})[0])
}

async function deadlocks(): Promise<number> {
  return scalar(sql`select deadlocks from pg_stat_database where datname = current_database()`)
}

/** A trigger adds a row to `updates` for every update of an entry, because the statistics would lag. */
async function countUpdates(): Promise<void> {
  await db.execute(sql`
    create table updates ();
    create function note_update() returns trigger language plpgsql as
      $$ begin insert into updates default values; return new; end $$;
    create trigger note_update before update on cache_entries for each row execute function note_update();`)
}

/** Waits until a statement waits for a lock. */
async function blocked(): Promise<void> {
  while (
    (await scalar(
      sql`select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )) === 0
  );
}
