/** `pgstash/unstorage`: a driver with a cache of the program's own, and one with a connection string. */
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { unstorageDriver } from 'pgstash/unstorage'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const results: unknown[] = []
  for (const given of [{ cache: createCache(db, { timeout: 60_000 }) }, { url: env.DATABASE_URL, timeout: 60_000 }]) {
    const driver = unstorageDriver({ ...given, namespace: env.RUNTIME })
    await driver.clear()
    await driver.setItem('users:a', '007', { ttl: 60 })
    await driver.setItemRaw('users:b', bytes)
    await driver.setItems([{ key: 'other', value: 'x' }])
    const raw = (await driver.getItemRaw('users:b')) as Uint8Array
    results.push([await driver.getItem('users:a'), raw.join() === bytes.join(), await driver.getKeys('users')])
    await driver.clear('users:')
    results.push(await driver.getKeys())
  }
  return results
}

const one = [['007', true, ['users:a', 'users:b']], ['other']]

export const expected = [...one, ...one]
