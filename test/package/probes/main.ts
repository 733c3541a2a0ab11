/** `pgstash`, as an edge function uses it. */
import { CacheError, createCache, jsonCodec } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { namespace: env.RUNTIME, expiration: '1h', codec: jsonCodec })
  await cache.clear()
  await cache.set('user', { name: 'Ada', born: [1815, 12, 10] }, { tags: ['users'] })
  await cache.set('gone', 'soon', { expiration: new Date(0) })
  await cache.setMany(['a', 'b'].map((name) => [name, name.toUpperCase()]))
  const [user, a, missing] = await Promise.all([cache.get('user'), cache.get('a'), cache.get('missing')])
  const refused = await cache.set('bad', () => {}).catch((error: unknown) => error)
  return {
    user,
    a,
    missing: missing === undefined,
    sliding: await cache.get('b', { sliding: '2h' }),
    hits: [await cache.increment('hits', 2.5), await cache.decrement('hits')],
    limited: (await cache.limit('login', { limit: 0, period: '1m' })).allowed,
    longKey: await cache.set('ü'.repeat(1_000), 1).then(() => cache.get('ü'.repeat(1_000))),
    invalidated: await cache.invalidate('users').then(() => cache.has('user')),
    removed: (await cache.clearExpired()).more,
    refused: refused instanceof CacheError && refused.code,
    expiration: (await cache.expiration('a')) instanceof Date,
    keys: (await cache.list({ prefix: 'a' })).entries.map(({ key }) => key),
  }
}

export const expected = {
  user: { name: 'Ada', born: [1815, 12, 10] },
  a: 'A',
  missing: true,
  sliding: 'B',
  hits: [2.5, 1.5],
  limited: false,
  longKey: 1,
  invalidated: false,
  removed: false,
  refused: 'UNSERIALIZABLE_VALUE',
  expiration: true,
  keys: ['a'],
}
