/** Neon's driver by hand: the least that Postgres costs over HTTP. */
import { neon } from '@neondatabase/serverless'
import type { Peer } from '../harness/provider.ts'
import { RAW, RAW_TABLE, rawProvider } from '../harness/raw-table.ts'

export default {
  name: 'raw neon()',
  transports: ['http'],
  packages: ['@neondatabase/serverless'],
  async prepare(bench, { roundTripMs }) {
    const database = await bench.createDatabase()
    await bench.createPool(database, { max: 1 }).query(RAW_TABLE)
    const sql = neon(await bench.neon(database, roundTripMs))
    return async () => rawProvider((name, values) => sql.query(RAW[name], values))
  },
} satisfies Peer
