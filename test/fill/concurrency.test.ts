import { neon } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, type CacheEvent, createCache } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGate } from '../setup/gate.ts'
import { emptyTables } from '../setup/postgres-store.ts'
import { rounds } from '../setup/statements.ts'
import { createSite, pause, type Site, times } from './clients.ts'
import { type SlowLine, startSlowLine } from './slow-line.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await emptyTables(site.db)
  site.faults.reset()
})

/** Transactions of this database since it was created. */
async function deadlocks(): Promise<number> {
  await site.db.execute(sql`select pg_stat_force_next_flush()`).catch(() => {})
  const { rows } = await site.db.execute(
    sql`select deadlocks::int from pg_stat_database where datname = current_database()`,
  )
  return Number(rows[0]?.deadlocks)
}

/** A client that connects from elsewhere. */
function clientOf(line: SlowLine): Cache {
  const url = new URL(site.server.connectionString)
  url.port = new URL(line.endpoint).port
  return createCache(drizzle({ client: neon(url.href) }), { timeout: 60_000 })
}

describe('clients that share only the database', () => {
  it('run on a server that syncs every commit', async () => {
    const { rows } = await site.db.execute(sql`select current_setting('fsync') as fsync`)
    expect(rows).toEqual([{ fsync: 'on' }])
  })

  const herds = rounds(300)
  it('each get an answer from one computation, 30 cold clients at a time', async () => {
    const clients = times(30, () => site.client())
    for (let round = 0; round < herds; round++) {
      let computed = 0
      const compute = async () => {
        computed++
        return { round }
      }
      const values = await Promise.all(clients.map((client) => client.getOrSet(`round ${round}`, compute)))
      expect(computed).toBe(1)
      expect(values).toEqual(times(30, () => ({ round })))
    }
  }, 900_000)

  it('wait for a slow computation with about a dozen requests each', async () => {
    const clients = times(10, () => site.client())
    let computed = 0
    const compute = async () => {
      computed++
      await pause(9_000)
      return 'slow'
    }
    const values = await Promise.all(clients.map((client) => client.getOrSet('key', compute, { lease: '30s' })))
    expect(values).toEqual(times(10, () => 'slow'))
    expect(computed).toBe(1)
    // A claim, a second read if a race refused the claim, at most twelve polls, and one fill.
    expect(site.faults.requests).toBeLessThanOrEqual(10 * 14 + 1)
  })

  it('fill, delete, set, touch, count and clear the same keys thousands of times without a deadlock', async () => {
    const before = await deadlocks()
    const keys = times(5, (i) => `key ${i}`)
    const some = (i: number) => [keys[i % 5] ?? '', keys[(i * 3 + 1) % 5] ?? '', keys[(i * 2 + 3) % 5] ?? '']
    const work: ((client: Cache, i: number) => Promise<unknown>)[] = [
      (client, i) => client.getOrSet(keys[i % 5] ?? '', async () => i, { lease: '200ms', expiration: 60 }),
      (client, i) => client.getOrSet(keys[(i + 2) % 5] ?? '', () => pause(1).then(() => i), { lease: '50ms' }),
      (client, i) => client.delete(keys[i % 5] ?? ''),
      (client, i) => client.deleteMany(some(i)),
      (client, i) => client.setMany(some(i).map((key) => [key, i])),
      (client, i) => client.set(keys[i % 5] ?? '', i, { expiration: i % 3 }),
      (client) => client.clear(),
      (client, i) => client.touch(keys[i % 5] ?? '', i % 2 === 0 ? 0 : 60),
      (client) => client.clearExpired(),
      (client, i) => client.pull(keys[i % 5] ?? ''),
      (client, i) => client.getOrSet(keys[i % 5] ?? '', i, { sliding: true, expiration: '1ms', stale: 1 }),
      (client, i) => client.increment(keys[i % 5] ?? '').catch((error) => expect(error.code).toBe('NOT_A_NUMBER') ?? i),
    ]
    const clients = times(24, () => site.client())
    const turns = rounds(250)
    await Promise.all(
      clients.map(async (client, c) => {
        for (let i = 0; i < turns; i++) await work[(c + i) % work.length]?.(client, c * 7 + i)
      }),
    )
    expect(site.faults.requests).toBeGreaterThan(clients.length * turns)
    expect(await deadlocks()).toBe(before)
  }, 900_000)

  it('refuse the late value of a leader whose lease another took over', async () => {
    const events: CacheEvent[] = []
    const late = site.client({ onEvent: (event) => events.push(event) })
    const [begun, end] = [createGate(), createGate()]
    const compute = async () => {
      begun.open()
      await end.opened
      return 'late'
    }
    const first = late.getOrSet('key', compute, { lease: '100ms' })
    await begun.opened
    expect(await site.client().getOrSet('key', 'taken over', { lease: '10s' })).toBe('taken over')
    end.open()
    expect(await first).toBe('late')
    expect(events.map((event) => event.type)).toEqual(['miss', 'refuse'])
    expect(events[1]).toMatchObject({ reason: 'overtaken' })
    expect(await late.get('key')).toBe('taken over')
  })

  it('store the late value of a leader whose lease nobody took over', async () => {
    const client = site.client()
    await client.getOrSet('key', () => pause(80).then(() => 'slow'), { lease: '20ms' })
    expect(await client.get('key')).toBe('slow')
  })

  it('send one request per hit and take no transaction id, except for due sliding hits', async () => {
    // A separate cluster, because all databases of a cluster count transaction ids together.
    const site = await createSite('pglite')
    const client = site.client()
    await client.getOrSet('key', { a: 1 }, { expiration: '1h' })
    await client.getOrSet('sliding', { a: 1 }, { expiration: '1h', sliding: true })
    const nextXid = async () => {
      const { rows } = await site.db.execute(sql`select pg_snapshot_xmax(pg_current_snapshot())::text as xid`)
      return rows[0]?.xid
    }
    const before = await nextXid()
    site.faults.reset()
    for (let i = 0; i < 50; i++) {
      await client.getOrSet('key', 'another', { stale: 60, beta: 1 })
      await client.getOrSet('sliding', 'another', { expiration: '1h', sliding: true, maxAge: '1d' })
    }
    expect({ requests: site.faults.requests, statements: site.faults.statements }).toEqual({
      requests: 100,
      statements: 100,
    })
    expect(await nextXid()).toBe(before)
  })

  it('take no transaction id with polls while another client computes', async () => {
    const site = await createSite('pglite')
    const [holder, waiter] = [site.client(), site.client()]
    const [begun, end] = [createGate(), createGate()]
    const compute = async () => {
      begun.open()
      await end.opened
      return 1
    }
    const first = holder.getOrSet('key', compute, { lease: '1m' })
    await begun.opened
    const { rows } = await site.db.execute(sql`select pg_snapshot_xmax(pg_current_snapshot())::text as xid`)
    const waiting = waiter.getOrSet('key', 2, { lease: '1m' })
    await expect.poll(() => site.faults.requests).toBeGreaterThan(6)
    const { rows: later } = await site.db.execute(sql`select pg_snapshot_xmax(pg_current_snapshot())::text as xid`)
    expect(later).toEqual(rows)
    end.open()
    expect(await Promise.all([first, waiting])).toEqual([1, 1])
  })
})

describe('one process', () => {
  it('sends one lookup for all callers of a tick, and one more for all that came during the computation', async () => {
    const client = site.client()
    const [begun, end] = [createGate(), createGate()]
    const compute = async () => {
      begun.open()
      await end.opened
      return 'computed'
    }
    const getOrSet = () => client.getOrSet('key', compute, { lease: '1m' })
    const first = times(10, getOrSet)
    await begun.opened
    const later = times(10, getOrSet)
    await pause(20)
    expect(site.faults.requests).toBe(1)
    end.open()
    expect(await Promise.all([...first, ...later])).toEqual(times(20, () => 'computed'))
    // The claim, the fill, and one read for all that came later.
    expect(site.faults.requests).toBe(3)
  })

  it('sends one request for each of several overlapping hits, and none waits for another', async () => {
    const line = await startSlowLine(site.server.endpoint)
    const client = clientOf(line)
    await client.set('key', 'value')
    site.faults.reset()
    const end = createGate()
    const held = line.holdNext(end.opened)
    const slow = client.getOrSet('key', 'another')
    await held
    let isSlowDone = false
    void slow.then(() => (isSlowDone = true))
    expect(await client.getOrSet('key', 'another')).toBe('value')
    expect(isSlowDone).toBe(false)
    end.open()
    expect(await slow).toBe('value')
    expect(site.faults.requests).toBe(2)
  })

  it('never returns a value computed before a write that had committed when the caller called', async () => {
    const client = site.client()
    let data = 'old'
    const [read, end] = [createGate(), createGate()]
    const first = client.getOrSet('key', async () => {
      const seen = data
      read.open()
      await end.opened
      return seen
    })
    await read.opened
    data = 'new'
    // Another process writes, so this process is not informed.
    await site.client().delete('key')
    const second = client.getOrSet('key', async () => data)
    end.open()
    expect(await first).toBe('old')
    expect(await second).toBe('new')
    expect(await client.get('key')).toBe('new')
  })

  it('does not wait in a circle if two computations need each other', async () => {
    const client = site.client()
    // A wait for it would exceed the timeout of the test.
    const lease = '5m'
    const [hasBegun, hasToo] = [createGate(), createGate()]
    const a = client.getOrSet(
      'a',
      async () => {
        hasBegun.open()
        await hasToo.opened
        return `a of ${await client.getOrSet('b', () => 'b by itself', { lease })}`
      },
      { lease },
    )
    const b = client.getOrSet(
      'b',
      async () => {
        hasToo.open()
        await hasBegun.opened
        return `b of ${await client.getOrSet('a', () => 'a by itself', { lease })}`
      },
      { lease },
    )
    const values = await Promise.all([a, b])
    expect(values.join()).toMatch(/by itself/)
  })

  it('does not wait in a circle if the claim of the other computation is pending', async () => {
    const line = await startSlowLine(site.server.endpoint)
    const client = clientOf(line)
    const lease = '5m'
    const known = createGate()
    const claimed = line.holdNext(known.opened)
    const b = client.getOrSet('b', async () => `b of ${await client.getOrSet('a', () => 'a by itself', { lease })}`, {
      lease,
    })
    await claimed
    const a = client.getOrSet('a', async () => `a of ${await client.getOrSet('b', () => 'b by itself', { lease })}`, {
      lease,
    })
    // The claims of both, the claim of `b` inside `a`, and a second read, which has begun to wait.
    await expect.poll(() => site.faults.requests).toBeGreaterThanOrEqual(4)
    known.open()
    expect((await Promise.all([a, b])).join()).toMatch(/by itself/)
  })

  it('computes in the caller if the pending computation never ends', async () => {
    const client = createCache(site.db, { timeout: 20_000 })
    site.faults.next({ kind: 'hang' })
    const cut = client.getOrSet('key', 'of the one cut off').catch((error) => error.code)
    expect(await client.getOrSet('key', 'of the other')).toBe('of the other')
    expect(await cut).toBe('TIMEOUT')
  })
})
