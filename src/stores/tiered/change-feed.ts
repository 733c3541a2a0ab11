/** Removes copies of entries that other processes changed, as soon as a read or a notification reports the change. */
import type { ChangeReader, Changes } from '../../store/changes.ts'
import type { Copies } from './copies.ts'
import type { CopyGuard, CopyGuards } from './copy-guards.ts'

export interface ChangeFeed {
  /**
   * Creates the reader for one read under these guards. The changes that its answer reports are no newer than the
   * answer.
   */
  reader(own: readonly CopyGuard[]): ChangeReader
  /** False until the first answer. That answer only says where the changes begin. Earlier changes are unknown. */
  hasBegun(): boolean
  /** Removes all copies, because the changes are unknown. */
  flush(): Promise<void>
  apply(changed: Changes['changed']): Promise<void>
}

/** The position up to which the changes are known. */
interface Position {
  readonly cursor: string
  readonly history: string | undefined
}

export function createChangeFeed(copies: Copies, guards: CopyGuards): ChangeFeed {
  let position: Position | null = null
  /**
   * Counts how often the store switched to another history, so that late answers from an older history are recognised.
   */
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
    // Reads that are under way may have read before the change. Invalidate all guards for a tag: its keys are unknown.
    guards.invalidate(tags.length > 0 ? 'all' : keys, own)
    await Promise.all([
      keys.length > 0 ? copies.forget(keys) : undefined,
      tags.length > 0 ? copies.invalidate(tags) : undefined,
    ])
  }

  /**
   * Moves the position. Returns true if the answer is from another history than the position that the read asked about.
   */
  function move(asked: Position | null, next: Position): boolean {
    const hasSwitched = isOfOtherHistory(asked ?? position, next) || (asked !== null && !isNewer(next, asked))
    if (hasSwitched) generation++
    // If reads overtake each other, the newest cursor counts, because it includes the changes of the others. The answer
    // to a first read does not report earlier changes. So if there are several first reads, the oldest cursor counts.
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
      let askedGeneration = generation
      let unusedGuards = own
      return {
        since() {
          asked = position
          askedGeneration = generation
          return position?.cursor ?? null
        },
        async receive({ cursor, history, changed, isGap }) {
          // Spare the read's own guards only once. If a read has several parts, a later part may report that a row of
          // an earlier part has changed.
          const sparedGuards = unusedGuards
          unusedGuards = []
          if (cursor === null) {
            // Later changes of this read's rows will not be reported, so it must not leave copies either.
            position = null
            generation++
            return flush()
          }
          // The read was sent before the store switched. Its rows may be from the older history, whose changes are not
          // reported.
          if (askedGeneration !== generation) return flush()
          const hasSwitched = move(asked, { cursor, history })
          await (hasSwitched || isGap ? flush(sparedGuards) : apply(changed, sparedGuards))
        },
      }
    },
  }
}

function isOfOtherHistory(before: Position | null, after: Position): boolean {
  return before !== null && before.history !== after.history
}

/**
 * Compares two snapshots by the first transaction that each cannot see. Within a history, this number never decreases.
 */
function isNewer(a: Position, b: Position): boolean {
  const next = ({ cursor }: Position) => BigInt(cursor.split(':')[1] ?? 0)
  return next(a) >= next(b)
}
