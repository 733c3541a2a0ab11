/** What others changed, as it is told: what is copied of it goes from the first tier. */
import type { News, NewsReader } from '../../store/news.ts'
import type { NearCache } from '../platform/platform-cache.ts'
import type { Fence, Ticket } from './fence.ts'
import type { Undue } from './undue.ts'

/** Where a tiered cache keeps its feed, for `listen`. Of the registry, so that two copies of the package understand each other. */
export const FEED: unique symbol = Symbol.for('pgstash.feed') as never

export interface Feed {
  /** Who reads with these tickets: what is told with a read is no newer than what it read. */
  reader(own: readonly Ticket[]): NewsReader
  /** Whether anything was asked yet: the first answer says from where on, and tells nothing of before. */
  hasBegun(): boolean
  /** Takes everything out: what was changed is not known. */
  flush(): Promise<void>
  changed(changes: News['changed']): Promise<void>
}

export function createFeed(l1: NearCache, fence: Fence, undue: Undue): Feed {
  let cursor: string | null = null

  async function flush(own: readonly Ticket[] = []): Promise<void> {
    fence.spoil('all', own)
    await l1.clear().catch(() => {})
  }

  async function changed(changes: News['changed'], own: readonly Ticket[] = []): Promise<void> {
    if (changes.length === 0) return
    if (changes.some(([kind]) => kind === 'all')) return flush(own)
    const names = (wanted: string) => changes.flatMap(([kind, name]) => (kind === wanted ? [name] : []))
    const [keys, tags] = [names('key'), names('tag')]
    // Whoever is reading now may have read before: of a tag nobody knows which keys have it.
    fence.spoil(tags.length > 0 ? 'all' : keys, own)
    await Promise.all([
      keys.length > 0 ? l1.deleteMany(keys).catch(() => {}) : undefined,
      keys.length > 0 ? undue.forget(keys) : undefined,
      tags.length > 0 ? l1.invalidate(tags).catch(() => l1.clear().catch(() => {})) : undefined,
    ])
  }

  return {
    hasBegun: () => cursor !== null,
    flush: () => flush(),
    changed: (changes) => changed(changes),
    reader: (own) => ({
      since: () => cursor,
      async told(news) {
        // Of reads that overtake each other the newest counts; the others tell nothing that it does not.
        if (cursor === null || isNewer(news.cursor, cursor)) cursor = news.cursor
        await (news.isGap ? flush(own) : changed(news.changed, own))
      },
    }),
  }
}

/** Of two snapshots, by the first transaction that each cannot know of. */
function isNewer(a: string, b: string): boolean {
  const next = (snapshot: string) => BigInt(snapshot.split(':')[1] ?? 0)
  return next(a) >= next(b)
}
