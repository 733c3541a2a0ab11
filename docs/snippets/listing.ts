import type { Cache } from 'pgstash'

/** Lists the keys of all expired entries, page by page. */
export async function* expiredKeys(cache: Cache): AsyncGenerator<string> {
  let cursor: string | undefined
  do {
    const page = await cache.list({ state: 'expired', cursor })
    for (const { key } of page.entries) yield key
    cursor = page.cursor
  } while (cursor !== undefined)
}
