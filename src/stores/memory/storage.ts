/** The entries of a memory cache in order of use, its leases, and its log of tags. All of it is synchronous. */
import { LRUCache } from 'lru-cache'
import { type Lease, type StoredEntry, storedBytes } from '../../store/entries.ts'
import { wallClock as processClock } from '../../values/clock.ts'
import { utf8Bytes } from '../../values/events.ts'
import { createTagLog, type TagLog, UNKNOWN } from './tag-log.ts'

/** An entry. The tag log moves its position when the log begins anew. */
export interface MemoryRow extends StoredEntry {
  position: number
  /** The engine's decoded copy of a small value. */
  decoded?: unknown
}

/** Bounds the leases of computations that never end, such as those of cancelled requests. Far fewer are under way at once. */
const MAX_LEASES = 10_000

export interface MemoryLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly now: (() => number) | undefined
}

export interface MemoryStorage {
  now(): number
  readonly tagLog: TagLog
  /** By key. A write or removal takes the lease away, and the fill that it stands for is refused. */
  readonly leases: Map<string, Lease>
  /** The entry in whatever state; counts as a use. */
  read(key: string): MemoryRow | undefined
  /** The same, without counting as a use. */
  peek(key: string): MemoryRow | undefined
  /** Stores an entry, and evicts the least recently used ones if the bounds require it. */
  put(row: MemoryRow): void
  remove(key: string): void
  claim(key: string, lease: Lease): void
  rows(): Iterable<MemoryRow>
  isLive(row: MemoryRow, at: number): boolean
  isRejected(row: MemoryRow): boolean
  clear(): void
}

export function createStorage({ maxEntries, maxBytes, now = processClock }: MemoryLimits): MemoryStorage {
  const entries = new LRUCache<string, MemoryRow>({ max: maxEntries, maxSize: maxBytes })
  const leases = new Map<string, Lease>()
  const tagLog = createTagLog(() => {
    for (const row of entries.values()) row.position = isRejected(row) ? UNKNOWN : tagLog.position()
  })
  const isRejected = (row: MemoryRow) => tagLog.rejects(row.tags, row.position)

  return {
    now,
    tagLog,
    leases,
    isRejected,
    isLive: (row, at) => row.expiresAt > at && !isRejected(row),
    read: (key) => entries.get(key),
    peek: (key) => entries.peek(key),
    put(row) {
      // An entry larger than the bound is not kept, and the entry that it replaces goes as well.
      entries.set(row.key, row, { size: bytesOf(row) })
    },
    remove(key) {
      entries.delete(key)
    },
    claim(key, lease) {
      leases.delete(key)
      const [oldest] = leases.size >= MAX_LEASES ? leases.keys() : []
      // Its fill will be refused, which is always safe.
      if (oldest !== undefined) leases.delete(oldest)
      leases.set(key, lease)
    },
    rows: () => entries.values(),
    clear() {
      entries.clear()
      leases.clear()
    },
  }
}

/** Bytes of key, value and tags in UTF-8, at least 1. `maxBytes` bounds their sum. */
function bytesOf({ key, value, number, tags }: MemoryRow): number {
  return storedBytes({ key, value, number }) + (tags ?? []).reduce((sum, tag) => sum + utf8Bytes(tag), 0)
}
