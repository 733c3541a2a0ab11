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

/** How far the changes are known. */
interface Position {
  readonly cursor: string
  readonly history: string | undefined
}

export function createChangeFeed(copies: Copies, guards: CopyGuards): ChangeFeed {
  let position: Position | null = null
  /** Counts how often the store went to another history, so that late answers of an older one are recognised. */
  let generation = 0

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

  /** Moves the position. True if the answer belongs to another history than the position that the read asked about. */
  function move(asked: Position | null, next: Position): boolean {
    const hasSwitched = isOfOtherHistory(asked ?? position, next) || (asked !== null && !isNewer(next, asked))
    if (hasSwitched) generation++
    // If reads overtake each other, the newest cursor counts. The others tell nothing that it does not. An answer to a first
    // read tells nothing of before it, so of several first reads the oldest cursor counts.
    const counts = position === null || (asked === null ? isNewer(position, next) : isNewer(next, position))
    if (hasSwitched || counts) position = next
    return hasSwitched
  }

  return {
    hasBegun: () => position !== null,
    flush: () => flush(),
    apply: (changed) => apply(changed),
    reader(own) {
      let asked: Position | null = null
      let askedIn = generation
      let spared = own
      return {
        since() {
          asked = position
          askedIn = generation
          return position?.cursor ?? null
        },
        async receive({ cursor, history, changed, isGap }) {
          // A read in several parts may learn from a later part that a row of an earlier one has changed.
          const guarded = spared
          spared = []
          if (cursor === null) {
            // Nobody will tell when this read's rows change, so they leave no copies either.
            position = null
            generation++
            return flush()
          }
          // The read was sent before the store switched. If its rows are of the older history, nobody will tell of changes.
          if (askedIn !== generation) return flush()
          const hasSwitched = move(asked, { cursor, history })
          await (hasSwitched || isGap ? flush(guarded) : apply(changed, guarded))
        },
      }
    },
  }
}

function isOfOtherHistory(before: Position | null, after: Position): boolean {
  return before !== null && before.history !== after.history
}

/** Compares two snapshots by the first transaction that each of them cannot see. Within a history it never goes back. */
function isNewer(a: Position, b: Position): boolean {
  const next = ({ cursor }: Position) => BigInt(cursor.split(':')[1] ?? 0)
  return next(a) >= next(b)
}
