/** `pgstash/keyv`: the store as Keyv 5 and Keyv 6 call it, without either of them. */
import { createCache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `keyv ${env.RUNTIME}` })
  await cache.clear()

  const five = keyvStore(cache)
  five.on('error', () => {})
  five.namespace = 'users'
  await five.set('users:a', '{"value":1}', 60_000)
  await five.setMany([{ key: 'users:b', value: '{"value":2}', ttl: 60_000 }])

  const six = keyvStore(cache)
  const { expires } = six.capabilities
  six.on('error', () => {})
  six.namespace = 'users'
  await six.set('c', '{"value":3}', Date.now() + 60_000)
  const entries: unknown[] = []
  for await (const entry of six.iterator()) entries.push(entry)
  return {
    expires,
    entries,
    found: await five.getMany(['users:c', 'users:none']),
    deleted: [await five.deleteMany(['users:a', 'users:none']), await six.deleteMany(['none', 'b'])],
    left: await six.clear().then(() => cache.count()),
  }
}

export const expected = {
  expires: true,
  entries: [
    ['a', '{"value":1}'],
    ['b', '{"value":2}'],
    ['c', '{"value":3}'],
  ],
  found: ['{"value":3}', null],
  deleted: [true, [false, true]],
  left: 0,
}
