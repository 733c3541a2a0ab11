/** The part of OpenNext for Cloudflare that the snippets use. The package is not installed here. */
declare module '@opennextjs/cloudflare' {
  import type { IncrementalCache, Queue, TagCache } from '@opennextjs/aws/types/overrides.js'

  export function defineCloudflareConfig(config: {
    incrementalCache?: IncrementalCache
    tagCache?: TagCache
    queue?: Queue
  }): object
}
