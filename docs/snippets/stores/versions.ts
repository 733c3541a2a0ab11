import type { Cache } from 'pgstash'

/** What an older deploy stored is left behind: nobody reads it, and cleanup removes it once it has expired. */
export function ofThisDeploy(cache: Cache, commit: string): Cache {
  return cache.namespace('app', { version: commit })
}
