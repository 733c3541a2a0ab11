/** `pgstash`, as an edge function uses it. */
import {
  CacheError,
  cached,
  createCache,
  encryptingCodec,
  getDefaultCache,
  jsonCodec,
  memoryCache,
  shardedCache,
} from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: env.RUNTIME, expiration: '1h', codec: jsonCodec })
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
    ...(await besides()),
  }
}

/** The stores and helpers beside the database. */
async function besides() {
  const codec = encryptingCodec({ keys: { k: crypto.getRandomValues(new Uint8Array(32)) } })
  const spread = shardedCache({ nodes: { a: memoryCache({ codec }), b: memoryCache({ codec }) } })
  await spread.setMany({ one: 'first', two: 'second' }, { tags: ['tag'], asOf: await spread.snapshot() })
  const double = cached(async (n: number) => 2 * n, { key: 'double' })
  return {
    spread: [...(await spread.getMany(['one', 'two'])).values()],
    node: spread.getNode('user:1'),
    cached: [await double(4), await getDefaultCache().get(double.key(4)), await double.invalidate(4)],
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
  spread: ['first', 'second'],
  node: 'a',
  cached: [8, 8, true],
}
