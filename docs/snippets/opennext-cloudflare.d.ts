/** What the snippets use of OpenNext for Cloudflare, which is not installed here; its own types have all of it. */
declare module '@opennextjs/cloudflare' {
  import type { IncrementalCache, Queue, TagCache } from '@opennextjs/aws/types/overrides.js'

  export function defineCloudflareConfig(config: {
    incrementalCache?: IncrementalCache
    tagCache?: TagCache
    queue?: Queue
  }): object
}
