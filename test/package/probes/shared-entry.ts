/** A worker with one handle of an entry for all of its requests. */
import { type CacheEntry, createCache } from 'pgstash'
import { database, type ProbeEnv } from './probe.ts'

let entry: CacheEntry<string> | undefined

export default {
  async fetch(_request: Request, env: ProbeEnv): Promise<Response> {
    entry ??= createCache(database(env), { timeout: 12_000 }).entry<string>('same')
    return Response.json((await entry.value()) ?? null)
  },
}
