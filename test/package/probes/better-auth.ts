/** `pgstash/better-auth`: the five methods. */
import { createCache } from 'pgstash'
import { secondaryStorage } from 'pgstash/better-auth'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `better-auth ${env.RUNTIME}` })
  await cache.clear()
  const { get, set, getAndDelete, increment, delete: remove } = secondaryStorage(cache)
  await set('session', '{"user":"ada"}', 60)
  await set('gone', 'x', 0)
  return {
    found: [await get('session'), await get('gone')],
    redeemed: (await Promise.all([getAndDelete('session'), getAndDelete('session')])).filter(Boolean),
    counted: [await increment('ip', 60), await increment('ip', 60)],
    removed: await remove('ip').then(() => get('ip')),
  }
}

export const expected = {
  found: ['{"user":"ada"}', null],
  redeemed: ['{"user":"ada"}'],
  counted: [1, 2],
  removed: null,
}
