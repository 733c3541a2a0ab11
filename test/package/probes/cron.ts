/** `pgstash/cron`: both ways to clean up. */
import { sql } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { cronRoute, scheduledCleanup } from 'pgstash/cron'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  const tables = cacheTables({ prefix: `cron_${env.RUNTIME}_` })
  await migrate(db, { tables })
  const cache = createCache(db, { timeout: 60_000, tables })
  const expire = async () => {
    await cache.setMany({ a: 1, b: 2, c: 3 }, { expiration: '1h' })
    await cache.set('kept', 1)
    await db.execute(sql`update ${tables.entries} set
      expires_at = expires_at - interval '1 day', kept_until = kept_until - interval '1 day', cleanup_slot = 0`)
  }

  await expire()
  const results: unknown[] = []
  const scheduled = scheduledCleanup(() => cache, { onResult: (result) => results.push(result) })
  await scheduled({ cron: '*/5 * * * *' }, env, {})

  await expire()
  const route = cronRoute(() => cache, { secret: 'right-and-sixteen' })
  const call = (secret: string) =>
    route(new Request('https://example.com/cron', { headers: { authorization: `Bearer ${secret}` } }))
  const refused = await call('wrong')
  const answered = await call('right-and-sixteen')
  return {
    scheduled: results,
    refused: refused.status,
    answered: [answered.status, await answered.json()],
    left: (await cache.list()).entries.map(({ key }) => key),
  }
}

export const expected = {
  scheduled: [{ removed: 3, more: false }],
  refused: 401,
  answered: [200, { removed: 3, more: false }],
  left: ['kept'],
}
