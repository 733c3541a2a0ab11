/** The entries of a memory cache in order of use, its leases, and its log of tags. All of it is synchronous. */
import { LRUCache } from 'lru-cache'
import { type Lease, type StoredEntry, storedBytes } from '../../store/entries.ts'
import { wallClock as processClock } from '../../values/clock.ts'
import { utf8Bytes } from '../../values/events.ts'
import { isInNext } from '../../values/next.ts'
import { DecodedCopies, MemoryRow } from './row.ts'
import { createTagLog, type TagLog, UNKNOWN } from './tag-log.ts'

/** Bounds the leases of computations that never end, such as those of cancelled requests. Far fewer are under way at once. */
const MAX_LEASES = 10_000
/** Decoded copies may take this share of `maxBytes` on top of it. Entries never make room for them. */
const DECODED_SHARE = 1 / 2

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
  put(entry: StoredEntry): void
  remove(key: string): void
  claim(key: string, lease: Lease): void
  rows(): Iterable<MemoryRow>
  /** @param at the present instant, if the caller has it */
  isLive(row: MemoryRow, at?: number): boolean
  isRejected(row: MemoryRow): boolean
  clear(): void
}

export function createStorage({ maxEntries, maxBytes, now = processClock }: MemoryLimits): MemoryStorage {
  const copies = new DecodedCopies(maxBytes * DECODED_SHARE)
  const entries = new LRUCache<string, MemoryRow>({
    max: maxEntries,
    maxSize: maxBytes,
    dispose: (row) => row.detach(),
  })
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
    isLive: (row, at) => (isPermanent(row) || row.expiresAt > (at ?? now())) && !isRejected(row),
    read: (key) => entries.get(key),
    peek: (key) => entries.peek(key),
    put(entry) {
      // An entry larger than the bound is not kept, and the entry that it replaces goes as well.
      entries.set(entry.key, new MemoryRow(entry, copies), { size: bytesOf(entry) })
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

/**
 * True for an entry without a deadline, which needs no clock. Reading the clock takes a quarter to a half of a hit's time. In
 * Next it tells the framework that a page must not be prerendered with what the cache holds during the build.
 */
function isPermanent({ expiresAt }: MemoryRow): boolean {
  return expiresAt === Number.POSITIVE_INFINITY && !isInNext()
}

/** Bytes of key, value and tags in UTF-8, at least 1. `maxBytes` bounds their sum. */
function bytesOf({ key, value, number, tags }: StoredEntry): number {
  return storedBytes({ key, value, number }) + (tags ?? []).reduce((sum, tag) => sum + utf8Bytes(tag), 0)
}
