/** `pg` with named statements, by hand: the least that Postgres costs over TCP. */
import type { Peer } from '../harness/provider.ts'
import { RAW, RAW_TABLE, rawProvider } from '../harness/raw-table.ts'

export default {
  name: 'raw pg, prepared',
  transports: ['tcp'],
  packages: ['pg'],
  async prepare(bench, { roundTripMs }) {
    const database = await bench.createDatabase()
    await bench.createPool(database, { max: 1 }).query(RAW_TABLE)
    const url = await bench.delayed(database, roundTripMs)
    return async () => {
      const pool = bench.createPool(url)
      const provider = rawProvider(async (name, values) => (await pool.query({ name, text: RAW[name], values })).rows)
      return { ...provider, close: () => pool.end() }
    }
  },
} satisfies Peer
