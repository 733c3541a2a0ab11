/**
 * The fill protocol, one statement at a time: a seeded scheduler interleaves the steps of several clients on one key on
 * a real server, and a model predicts the answer of each step.
 */

import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { defaultTables } from 'pgstash/schema'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PostgresStore, postgresStore } from '../../src/postgres/postgres-store.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance } from '../setup/postgres-store.ts'
import { times } from './clients.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_125)
const INTERLEAVINGS = Number(process.env.FUZZ_RUNS ?? 2_000)
const CLIENTS = 4
/** Time and all spans are multiples of this, so large that the run time does not matter. */
const STEP_MS = 10_000
const LEASE_MS = 2 * STEP_MS
const LIFE_MS = 4 * STEP_MS
const STALE_MS = 6 * STEP_MS

let db: NodePgDatabase
let cache: Cache
let store: PostgresStore
let rejectedRemoved = 0

beforeAll(async () => {
  db = drizzle(createPool(await createDatabase()))
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
  const runner = createRunner(db, { tables: namesOf(defaultTables), timeoutMs: 60_000, preparedNames: true })
  store = postgresStore(runner, namesOf(defaultTables), undefined)
})

type Step =
  | { kind: 'claim'; client: number; takesStale: boolean; force: boolean }
  | { kind: 'fill' | 'release' | 'crash' | 'repeat'; client: number }
  | { kind: 'delete' | 'deleteMany' | 'pull' | 'clear' | 'set' | 'set past' | 'increment' | 'touch' | 'touch past' }
  | { kind: 'invalidate' | 'cleanup' | 'add' }
  | { kind: 'pass'; ms: number }

const client = fc.integer({ min: 0, max: CLIENTS - 1 })
const changes = [
  'delete',
  'deleteMany',
  'pull',
  'clear',
  'set',
  'set past',
  'increment',
  'touch',
  'touch past',
] as const
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('claim' as const), client, takesStale: fc.boolean(), force: rarely() }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('fill' as const), client }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('release', 'crash', 'repeat'), client }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom(...changes) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('invalidate', 'invalidate', 'cleanup', 'add') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(STEP_MS, LEASE_MS, LIFE_MS, LIFE_MS + STALE_MS),
    }),
  },
)

function rarely(): fc.Arbitrary<boolean> {
  return fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0)
}

interface Computation {
  token: string
  /** The value that it computes, created when it began. */
  value: string
  /** The version of the entry when it began, and the number of invalidations. */
  seen: number | undefined
  invalidations: number
}

/** The invariants, written from the rules and not from the statements. */
interface Model {
  now: number
  entry?: {
    value: unknown
    version: number
    expiresAt: number
    keptUntil: number
    tagged: boolean
    invalidations: number
  }
  lease?: { token: string; expiresAt: number }
  versions: number
  invalidations: number
}

describe('the fill protocol', () => {
  it(`matches the model in ${INTERLEAVINGS} interleavings of ${CLIENTS} clients (seed ${SEED})`, async () => {
    const seen: Record<string, number> = {}
    const property = fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 30 }), async (steps) => {
      await db.execute(sql`delete from cache_entries`)
      await db.execute(sql`delete from cache_leases`)
      const run = createRun()
      for (const each of steps) {
        const outcome = await run(each)
        seen[outcome] = (seen[outcome] ?? 0) + 1
      }
    })
    await fc.assert(property, { seed: SEED, numRuns: INTERLEAVINGS })
    // Otherwise the scheduler would prove nothing.
    for (const outcome of ['claimed', 'held', 'live', 'stale', 'stored', 'refused', 'taken over']) {
      expect(seen[outcome] ?? 0, outcome).toBeGreaterThan(INTERLEAVINGS / 50)
    }
    expect(rejectedRemoved, 'removed because a tag rejects it').toBeGreaterThan(INTERLEAVINGS / 400)
  }, 600_000)
})

function createRun() {
  const model: Model = { now: 0, versions: 0, invalidations: 0 }
  const computing: (Computation | undefined)[] = times(CLIENTS, () => undefined)
  let names = 0

  const isRejected = () => model.entry?.tagged && model.entry.invalidations < model.invalidations
  const isLive = () => model.entry !== undefined && model.entry.expiresAt > model.now && !isRejected()
  const breakLease = () => {
    delete model.lease
  }
  const write = (value: unknown, expiresAt: number) => {
    const version = ++model.versions
    model.entry = { value, version, expiresAt, keptUntil: expiresAt, tagged: false, invalidations: model.invalidations }
  }
  const remove = () => {
    delete model.entry
    breakLease()
  }

  async function claim(who: number, takesStale: boolean, force: boolean, token: string) {
    const { value: answer } = await store.readOrClaim({
      ...{ key: 'key', token, leaseMs: LEASE_MS, staleMs: takesStale ? STALE_MS : 0 },
      ...{ early: 0, force, sliding: undefined },
    })
    const live = isLive()
    const { entry, now } = model
    const stale =
      !live && takesStale && entry && !isRejected() && entry.keptUntil > now && entry.expiresAt + STALE_MS > now
    const expected = live ? entry?.value : stale ? entry?.value : undefined
    expect(answer.entry === undefined ? undefined : decoded(answer.entry)).toEqual(expected)
    expect(answer.entry?.state).toBe(live ? 'live' : stale ? 'stale' : undefined)
    const holder = model.lease
    const isFree = holder === undefined || holder.expiresAt <= now || holder.token === token
    // Never two holders at once, and no lease that blocks others beyond its deadline.
    expect(answer.claimed).toBe((!live || force) && isFree)
    if (answer.claimed) {
      model.lease = { token, expiresAt: now + LEASE_MS }
      const value = `value ${++names}`
      computing[who] = { token, value, seen: entry?.version, invalidations: model.invalidations }
      return holder !== undefined && holder.token !== token ? 'taken over' : stale ? 'stale' : 'claimed'
    }
    if (!live && answer.heldMs !== undefined) expect(answer.heldMs).toBeLessThanOrEqual((holder?.expiresAt ?? 0) - now)
    return live ? 'live' : stale ? 'stale' : 'held'
  }

  async function fill(who: number) {
    const computation = computing[who]
    if (computation === undefined) return 'idle'
    delete computing[who]
    const { token, value, seen } = computation
    const request = {
      ...{ key: 'key', token, value: JSON.stringify(value), number: null, tags: ['tag'], asOf: null, maxAgeMs: null },
      ...{ deadline: { kind: 'after' as const, ms: LIFE_MS }, staleMs: STALE_MS, computeMs: 1 },
    }
    const { value: isStored } = await store.fill(request)
    const stands = model.lease?.token === token
    const isNew = model.entry?.version === seen || (model.entry === undefined && stands)
    const isValid = computation.invalidations === model.invalidations
    expect(isStored).toBe(stands && isNew && isValid)
    if (stands) breakLease()
    if (!isStored) return 'refused'
    write(value, model.now + LIFE_MS)
    if (model.entry !== undefined)
      Object.assign(model.entry, { tagged: true, keptUntil: model.now + LIFE_MS + STALE_MS })
    // Once more, as if the answer had been lost: it is never stored twice.
    expect((await store.fill({ ...request, value: '"again"' })).value).toBe(false)
    return 'stored'
  }

  const others: Record<string, () => Promise<unknown>> = {
    async delete() {
      expect(await cache.delete('key')).toBe(isLive())
      remove()
    },
    async deleteMany() {
      expect(await cache.deleteMany(['key', 'other'])).toBe(isLive() ? 1 : 0)
      remove()
    },
    async pull() {
      expect(await cache.pull('key')).toEqual(isLive() ? model.entry?.value : undefined)
      remove()
    },
    async clear() {
      expect(await cache.clear()).toBe(model.entry === undefined ? 0 : 1)
      remove()
    },
    async set() {
      const value = `set ${++names}`
      await cache.set('key', value, { expiration: { milliseconds: LIFE_MS } })
      write(value, model.now + LIFE_MS)
    },
    async 'set past'() {
      await cache.set('key', 'past', { expiration: 0 })
      write('past', Number.NEGATIVE_INFINITY)
    },
    async add() {
      const value = `added ${++names}`
      const isLiveNow = isLive()
      expect(await cache.add('key', value, { expiration: { milliseconds: LIFE_MS } })).toBe(!isLiveNow)
      if (!isLiveNow) write(value, model.now + LIFE_MS)
    },
    async increment() {
      const counts = !isLive() || typeof model.entry?.value === 'number'
      const sum = isLive() ? Number(model.entry?.value) + 1 : 1
      const counted = await cache.increment('key', 1, { expiration: { milliseconds: LIFE_MS } }).catch(() => undefined)
      expect(counted).toBe(counts ? sum : undefined)
      if (counts) write(sum, isLive() ? (model.entry?.expiresAt ?? 0) : model.now + LIFE_MS)
    },
    async touch() {
      expect(await cache.touch('key', { milliseconds: LIFE_MS })).toBe(isLive())
      if (isLive() && model.entry) {
        model.entry.keptUntil += model.now + LIFE_MS - model.entry.expiresAt
        model.entry.expiresAt = model.now + LIFE_MS
      }
    },
    async 'touch past'() {
      expect(await cache.touch('key', 0)).toBe(isLive())
      if (isLive() && model.entry) {
        Object.assign(model.entry, { expiresAt: Number.NEGATIVE_INFINITY, keptUntil: Number.NEGATIVE_INFINITY })
        model.entry.version = ++model.versions
      }
    },
    async invalidate() {
      await cache.invalidate('tag')
      model.invalidations++
    },
    async cleanup() {
      const { removed } = await cache.clearExpired()
      const isPast = model.entry !== undefined && (model.entry.keptUntil <= model.now || isRejected())
      expect(removed).toBeLessThanOrEqual(isPast ? 1 : 0)
      // Does not wait for a lease: nobody has written since the claim. Otherwise its deadline would have to pass first.
      if (isRejected() && model.lease === undefined) expect(removed).toBe(1)
      if (removed === 1) {
        if (isRejected()) rejectedRemoved++
        delete model.entry
      }
    },
  }

  return async function run(each: Step): Promise<string> {
    switch (each.kind) {
      case 'claim':
        if (computing[each.client] !== undefined) return 'busy'
        return claim(each.client, each.takesStale, each.force, crypto.randomUUID())
      case 'repeat': {
        // A claim whose answer was lost is sent again, and renews the lease while it is valid.
        const computation = computing[each.client]
        if (computation === undefined || model.lease?.token !== computation.token || isLive()) return 'idle'
        await claim(each.client, false, false, computation.token)
        return 'repeated'
      }
      case 'fill':
        return fill(each.client)
      case 'release': {
        const computation = computing[each.client]
        if (computation === undefined) return 'idle'
        delete computing[each.client]
        await store.release('key', computation.token)
        if (model.lease?.token === computation.token) breakLease()
        return 'released'
      }
      case 'crash':
        delete computing[each.client]
        return 'crashed'
      case 'pass':
        await advance(db, each.ms)
        model.now += each.ms
        return 'passed'
      default:
        await others[each.kind]?.()
        return each.kind
    }
  }
}

function decoded(stored: { value: string | null; number: string | null }): unknown {
  return stored.number === null ? JSON.parse(stored.value ?? 'null') : Number(stored.number)
}
