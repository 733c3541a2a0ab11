import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance } from '../setup/postgres-store.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** Checks that entries with a TTL of one minute live for one minute of the database’s clock. */
async function livesAMinute(db: ReturnType<typeof drizzle>): Promise<void> {
  const cache = createCache(db)
  await cache.clear()
  await cache.setMany({ relative: 1, counter: 1 }, { expiration: 60 })
  await cache.add('added', 1, { expiration: '1m' })
  await cache.set('touched', 1)
  await cache.touch('touched', 60)
  await cache.limit('limited', { limit: 1, period: 60 })
  const names = ['relative', 'counter', 'added', 'touched', 'limited']
  await advance(db, 30_000)
  expect([...(await cache.getMany(names)).keys()]).toEqual(names)
  expect(await cache.clearExpired()).toEqual({ removed: 0, more: false })
  await advance(db, 30_000)
  expect((await cache.getMany(names)).size).toBe(0)
  expect(await cache.clearExpired()).toEqual({ removed: 5, more: false })
}

describe('the clock that counts is the database’s', () => {
  for (const zone of ['America/New_York', 'Asia/Tokyo', 'UTC']) {
    it(`keeps entries for their TTL in a session whose TimeZone is ${zone}`, async () => {
      const pool = createPool(await createDatabase(), { options: `-c timezone=${zone}` })
      const db = drizzle(pool)
      await migrate(db)
      expect((await pool.query('show timezone')).rows[0].TimeZone).toBe(zone)
      await livesAMinute(db)
      const cache = createCache(db)
      const at = new Date(Date.UTC(2999, 6, 1, 12, 0, 0, 7))
      await cache.set('absolute', 1, { expiration: at })
      expect(await cache.expiration('absolute')).toEqual(at)
      expect((await cache.list({ prefix: 'absolute' })).entries[0]?.expiresAt).toEqual(at)
    })
  }

  for (const [name, skewMs] of [
    ['an hour fast', 3_600_000],
    ['an hour slow', -3_600_000],
  ] as const) {
    it(`keeps entries for their TTL for a client whose clock is ${name}`, async () => {
      const db = drizzle(createPool(await createDatabase()))
      await migrate(db)
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skewMs })
      await livesAMinute(db)
    })
  }
})
