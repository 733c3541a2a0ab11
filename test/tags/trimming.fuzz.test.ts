/**
 * Tags against a model, one step at a time: open transactions, snapshots used late, fills, counters, and cleanups in
 * parts, while ten minutes and more pass between them.
 *
 * A seeded scheduler chooses the steps. No invalidated entry may ever read as live, and no other entry may be lost.
 */

import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import type pg from 'pg'
import { type Cache, type CacheSnapshot, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { defaultTables } from 'pgstash/schema'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PostgresStore, postgresStore } from '../../src/postgres/postgres-store.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { createLonelyDatabase, createPool } from '../setup/databases.ts'
import { passNotedTime } from './time.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_126)
const RUNS = Number(process.env.FUZZ_RUNS ?? 200)
const KEYS = ['a', 'b', 'c', 'd']
const TAGS = ['x', 'y', 'z']
const SLOTS = 3

let db: NodePgDatabase
let pool: pg.Pool
let cache: Cache
let store: PostgresStore

beforeAll(async () => {
  pool = createPool(await createLonelyDatabase(), { max: 20 })
  db = drizzle(pool)
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
  const tables = namesOf(defaultTables)
  const runner = createRunner(db, { tables, timeoutMs: 60_000, preparedNames: true })
  store = postgresStore(runner, tables, undefined)
})

const slot = fc.integer({ min: 0, max: SLOTS - 1 })
const key = fc.constantFrom(...KEYS)
const tag = fc.constantFrom(...TAGS)
const weighted = <T extends Record<string, fc.Arbitrary<unknown>>, K extends string>(
  weight: number,
  kind: K,
  rest: T,
) => ({
  weight,
  arbitrary: fc.record({ kind: fc.constant(kind), ...rest }) as fc.Arbitrary<Step>,
})

interface Step {
  kind: string
  slot: number
  key: string
  tag: string
  asOf: boolean
  inside: boolean
  commits: boolean
  batch: number
}

const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(2, 'begin', { slot }),
  weighted(5, 'end', { slot, commits: fc.boolean() }),
  weighted(3, 'snapshot', { slot }),
  weighted(9, 'set', { slot, key, tag, asOf: fc.boolean(), inside: fc.boolean() }),
  weighted(5, 'invalidate', { slot, tag, inside: fc.boolean() }),
  weighted(2, 'increment', { key }),
  weighted(2, 'touch', { key }),
  weighted(1, 'delete', { key }),
  weighted(4, 'claim', { slot, key, tag }),
  weighted(4, 'fill', { slot }),
  weighted(6, 'cleanup', { batch: fc.constantFrom(1, 2, 5_000) }),
  weighted(3, 'part of a cleanup', { batch: fc.constantFrom(1, 2) }),
  weighted(1, 'cleanups at once', { batch: fc.constantFrom(1, 3) }),
  weighted(4, 'time', {}),
  weighted(6, 'trim', { batch: fc.constantFrom(1, 2, 5_000) }),
)

/** A value that a step stored or is about to store. */
interface Written {
  tag: string
  /** The step at which its data was read, and the number of long pauses before it. */
  readAt: number
  timesAtRead: number
  /** The step at which it became visible to all. */
  timesAtCommit: number
  /** Its own transaction invalidated its tag. */
  rejectsItself: boolean
}

interface Open {
  client: pg.PoolClient
  cache: Cache
  invalidates: Set<string>
  wrote: string[]
  locks: Set<string>
}

describe('tags with a log that is trimmed', () => {
  it(`never let an invalidated entry be read, in ${RUNS} schedules (seed ${SEED})`, async () => {
    const seen: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
        await pool.query('truncate cache_entries, cache_leases, cache_invalidations')
        const run = createRun((what) => {
          seen[what] = (seen[what] ?? 0) + 1
        })
        try {
          for (const each of steps) await run.step(each)
        } finally {
          await run.end()
        }
      }),
      { seed: SEED, numRuns: RUNS },
    )
    // Otherwise the schedules would prove nothing.
    for (const what of ['live', 'rejected', 'rejected, its log trimmed', 'from before the horizon', 'fill refused']) {
      expect(seen[what] ?? 0, what).toBeGreaterThan(RUNS / 20)
    }
  }, 900_000)
})

function createRun(saw: (what: string) => void) {
  let now = 0
  let times = 0
  let names = 0
  const written = new Map<string, Written>()
  /** The commit times of each tag's invalidations. */
  const invalidated: Record<string, number[]> = { x: [], y: [], z: [] }
  const open: (Open | undefined)[] = []
  const snapshots: ({ text: CacheSnapshot; at: number; times: number } | undefined)[] = []
  const claims: ({ key: string; tag: string; token: string; at: number; times: number } | undefined)[] = []

  const isRejected = ({ tag: own, readAt, rejectsItself }: Written) =>
    rejectsItself || invalidated[own]?.some((at) => at > readAt) === true
  const isLocked = (name: string) => open.some((transaction) => transaction?.locks.has(name))

  async function check() {
    const { rows } = await pool.query(`select key, coalesce(value, 'null') as value,
      exists (select from cache_invalidations i where i.tag = any (e.tags)
        and not pg_visible_in_snapshot(i.xid, e.filled_at)) as is_logged
      from cache_entries e`)
    const live = await cache.getMany<{ name: string; count: number } | number>(KEYS)
    for (const row of rows) {
      if (row.value === 'null') continue
      const { name } = JSON.parse(row.value)
      const entry = written.get(name)
      if (entry === undefined) continue
      const isLive = live.has(row.key)
      if (isRejected(entry)) {
        expect(isLive, `${row.key} is ${name}, which is rejected`).toBe(false)
        saw(row.is_logged || entry.rejectsItself ? 'rejected' : 'rejected, its log trimmed')
      } else if (entry.timesAtRead === entry.timesAtCommit) {
        expect(isLive, `${row.key} is ${name}, which stands`).toBe(true)
        saw('live')
      } else if (!isLive) saw('from before the horizon')
    }
  }

  const steps: Record<string, (each: Step) => Promise<unknown>> = {
    async begin({ slot: at }) {
      if (open[at] !== undefined) return
      const client = await pool.connect()
      await client.query('begin')
      open[at] = {
        client,
        cache: createCache(drizzle(client), { timeout: 60_000 }),
        invalidates: new Set(),
        wrote: [],
        locks: new Set(),
      }
    },
    async end({ slot: at, commits }) {
      const transaction = open[at]
      if (transaction === undefined) return
      open[at] = undefined
      await transaction.client.query(commits ? 'commit' : 'rollback')
      transaction.client.release()
      if (!commits) return
      for (const each of transaction.invalidates) invalidated[each]?.push(now)
      for (const name of transaction.wrote) {
        const entry = written.get(name)
        if (entry === undefined) continue
        entry.timesAtCommit = times
        entry.rejectsItself = transaction.invalidates.has(entry.tag)
      }
    },
    async snapshot({ slot: at }) {
      snapshots[at] = { text: await cache.snapshot(), at: now, times }
    },
    async set({ slot: at, key: name, tag: own, asOf, inside }) {
      const transaction = inside ? open[at] : undefined
      if (open.some((other) => other !== transaction && other?.locks.has(name))) return
      const given = asOf ? snapshots[at] : undefined
      const id = `value ${++names}`
      written.set(id, {
        ...{ tag: own, readAt: given?.at ?? now, timesAtRead: given?.times ?? times },
        ...{ timesAtCommit: times, rejectsItself: false },
      })
      const options = { tags: [own], ...(given && { asOf: given.text }) }
      await (transaction?.cache ?? cache).set(name, { name: id }, options)
      transaction?.wrote.push(id)
      transaction?.locks.add(name)
    },
    async invalidate({ slot: at, tag: own, inside }) {
      const transaction = inside ? open[at] : undefined
      await (transaction?.cache ?? cache).invalidate(own)
      if (transaction) transaction.invalidates.add(own)
      else invalidated[own]?.push(now)
    },
    async increment({ key: name }) {
      if (!isLocked(name)) await cache.increment(name).catch(() => {})
    },
    async touch({ key: name }) {
      if (!isLocked(name)) await cache.touch(name, 3_600)
    },
    async delete({ key: name }) {
      if (!isLocked(name)) await cache.delete(name)
    },
    async claim({ slot: at, key: name, tag: own }) {
      const token = crypto.randomUUID()
      const request = { key: name, token, leaseMs: 3_600_000, staleMs: 0, early: 0, force: true, sliding: undefined }
      const { value: answer } = await store.readOrClaim(request)
      if (answer.claimed === true) claims[at] = { key: name, tag: own, token, at: now, times }
    },
    async fill({ slot: at }) {
      const claim = claims[at]
      if (claim === undefined || isLocked(claim.key)) return
      claims[at] = undefined
      const id = `value ${++names}`
      const entry: Written = {
        ...{ tag: claim.tag, readAt: claim.at, timesAtRead: claim.times },
        ...{ timesAtCommit: times, rejectsItself: false },
      }
      written.set(id, entry)
      const { value: isStored } = await store.fill({
        ...{ key: claim.key, token: claim.token, value: JSON.stringify({ name: id }), number: null },
        ...{ tags: [claim.tag], asOf: null, maxAgeMs: null, staleMs: 0, computeMs: 1 },
        deadline: { kind: 'after', ms: 3_600_000 },
      })
      if (isRejected(entry)) expect(isStored).toBe(false)
      if (!isStored) saw('fill refused')
    },
    cleanup: ({ batch }) => cache.clearExpired({ batch }),
    'part of a cleanup': ({ batch }) => cache.clearExpired({ batch, timeBudget: 0 }),
    'cleanups at once': ({ batch }) =>
      Promise.all(Array.from({ length: 3 }, () => createCache(db, { timeout: 60_000 }).clearExpired({ batch }))),
    async trim({ batch }) {
      await cache.clearExpired({ batch })
      await steps.time?.({} as Step)
      await cache.clearExpired({ batch })
    },
    async time() {
      await passNotedTime(db)
      times++
    },
  }

  return {
    async step(each: Step) {
      now++
      await steps[each.kind]?.(each)
      await check()
    },
    async end() {
      for (const [at, transaction] of open.entries()) {
        if (transaction === undefined) continue
        now++
        await steps.end?.({ slot: at, commits: true } as Step)
      }
      await check()
      // Once nothing is open or claimed any more, cleanup empties the log and deletes the entries that it invalidated.
      await pool.query('update cache_leases set token = null')
      for (let i = 0; i < 3; i++) {
        await cache.clearExpired()
        await check()
        await passNotedTime(db)
      }
      const { rows } = await pool.query('select count(*)::int as count from cache_invalidations')
      expect(rows[0].count).toBe(0)
    },
  }
}
