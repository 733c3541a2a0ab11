/** Removes copies of whatever other processes changed, as soon as a read or a notification says so. */
import type { ChangeReader, Changes } from '../../store/changes.ts'
import type { Copies } from './copies.ts'
import type { CopyGuard, CopyGuards } from './copy-guards.ts'

export interface ChangeFeed {
  /** For a read under these guards: changes that come with its answer are no newer than the answer. */
  reader(own: readonly CopyGuard[]): ChangeReader
  /** False until the first answer. It says where the changes begin, and tells nothing of before. */
  hasBegun(): boolean
  /** Removes all copies, because nobody knows what changed. */
  flush(): Promise<void>
  apply(changed: Changes['changed']): Promise<void>
}

export function createChangeFeed(copies: Copies, guards: CopyGuards): ChangeFeed {
  let cursor: string | null = null

  async function flush(own: readonly CopyGuard[] = []): Promise<void> {
    guards.invalidate('all', own)
    await copies.clear()
  }

  async function apply(changed: Changes['changed'], own: readonly CopyGuard[] = []): Promise<void> {
    if (changed.length === 0) return
    if (changed.some(([kind]) => kind === 'all')) return flush(own)
    const names = (wanted: string) => changed.flatMap(([kind, name]) => (kind === wanted ? [name] : []))
    const [keys, tags] = [names('key'), names('tag')]
    // Reads that are under way may have read before the change. Nobody knows which keys have a tag.
    guards.invalidate(tags.length > 0 ? 'all' : keys, own)
    await Promise.all([
      keys.length > 0 ? copies.forget(keys) : undefined,
      tags.length > 0 ? copies.invalidate(tags) : undefined,
    ])
  }

  return {
    hasBegun: () => cursor !== null,
    flush: () => flush(),
    apply: (changed) => apply(changed),
    reader(own) {
      let asked: string | null = null
      let spared = own
      return {
        since() {
          asked = cursor
          return cursor
        },
        async receive({ cursor: next, changed, isGap }) {
          // If reads overtake each other, the newest cursor counts. The others tell nothing that it does not. An answer to a first
          // read tells nothing of before it, so of several first reads the oldest cursor counts.
          if (cursor === null || (asked === null ? isNewer(cursor, next) : isNewer(next, cursor))) cursor = next
          // A read in several parts may learn from a later part that a row of an earlier one has changed.
          const guarded = spared
          spared = []
          await (isGap ? flush(guarded) : apply(changed, guarded))
        },
      }
    },
  }
}

/** Compares two snapshots by the first transaction that each of them cannot see. */
function isNewer(a: string, b: string): boolean {
  const next = (snapshot: string) => BigInt(snapshot.split(':')[1] ?? 0)
  return next(a) >= next(b)
}
