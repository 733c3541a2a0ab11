/** Programs that measure pg wrap its client. Some send a copy of the statement, which has only its own properties. */
import pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'

let copies = 0

class CopyingClient extends pg.Client {
  override query(statement: unknown, ...rest: unknown[]): never {
    const isQuery = typeof statement !== 'object' || statement === null || 'submit' in statement
    if (!isQuery) copies++
    const sent = isQuery ? statement : { ...statement }
    return (super.query as (...given: unknown[]) => never)(sent, ...rest)
  }
}

it.each([{}, { preparedNames: false }])('a client that sends copies of statements works, with %o', async (options) => {
  const pool = new pg.Pool({ connectionString: await createDatabase(), Client: CopyingClient } as pg.PoolConfig)
  cleanup(() => pool.end())
  await migrate(pool)
  const cache = createCache(pool, { timeout: 60_000, ...options })
  copies = 0
  await cache.set('key', { a: 1 })
  expect(await cache.get('key')).toEqual({ a: 1 })
  expect(await cache.getOrSet('other', () => 2)).toBe(2)
  // One for the set, one for the get, and two for the miss.
  expect(copies).toBe(4)
})
