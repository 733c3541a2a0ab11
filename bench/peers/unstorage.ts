import { createDatabase } from 'db0'
import postgresql from 'db0/connectors/postgresql'
import { createStorage, type StorageValue } from 'unstorage'
import db0Driver from 'unstorage/drivers/db0'
import type { Peer } from '../harness/provider.ts'

/** Its db0 driver has one connection, no expiry, and no statement for several keys. */
export default {
  name: 'unstorage (db0)',
  transports: ['tcp'],
  packages: ['unstorage', 'db0'],
  async prepare(bench, { roundTripMs }) {
    const url = await bench.delayed(await bench.createDatabase(), roundTripMs)
    return async () => {
      const database = createDatabase(postgresql({ url }))
      const client = await database.getInstance()
      const storage = createStorage({ driver: db0Driver({ database }) })
      return {
        get: (key) => storage.getItem(key),
        set: (key, value) => storage.setItem(key, value as StorageValue),
        close: () => client.end(),
      }
    }
  },
} satisfies Peer
