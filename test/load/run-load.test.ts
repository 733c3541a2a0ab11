import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { databaseClock } from '../../src/load/database-clock.ts'
import { runLoad } from '../../src/load/run-load.ts'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { createWorld, DEFECTS } from './broken-stores.ts'

// Ends after a number of calls, however slow the machine is.
const ENOUGH = { operations: 400, clients: 8, keys: 2, duration: 3600 }

describe('a run of the load harness', () => {
  it('finds no violation in the memory cache', async () => {
    const world = createWorld()
    const result = await runLoad({ connect: () => world, ...ENOUGH })
    expect(result.violations).toEqual([])
    expect(result.calls).toBe(3200)
    expect(result.computations).toBeGreaterThan(0)
  })

  it('finds no violation in Postgres over HTTP', async () => {
    const { db, server } = await createNeon(await createDatabase())
    await migrate(db)
    const connect = () => {
      const own = drizzle({ client: neon(server.connectionString) })
      return { cache: createCache(own, { namespace: 'load', timeout: 120_000 }), clock: databaseClock(own) }
    }
    const result = await runLoad({ connect, ...ENOUGH, operations: 100 })
    expect(result.violations).toEqual([])
    expect(result.calls).toBe(800)
  })

  it.each(Object.entries(DEFECTS))('finds %s', async (_name, { found, breakIt }) => {
    const { cache, clock } = createWorld()
    const result = await runLoad({ connect: (client) => ({ cache: breakIt(cache, client), clock }), ...ENOUGH })
    expect(new Set(result.violations.map(({ kind }) => kind))).toContain(found)
  })
})
