import type { Cache } from 'pgstash'

/** The entries of older deploys are no longer read. Cleanup removes them once they have expired. */
export function ofThisDeploy(cache: Cache, commit: string): Cache {
  return cache.namespace('app', { version: commit })
}
