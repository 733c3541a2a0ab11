/** The entries of a memory cache in order of use, its leases, and its tag log. All of it is synchronous. */
import { LRUCache } from 'lru-cache'
import { type Lease, type StoredEntry, storedBytes } from '../../store/entries.ts'
import { wallClock as processClock } from '../../values/clock.ts'
import { utf8Bytes } from '../../values/events.ts'
import { isInNext } from '../../values/next.ts'
import { DecodedCopies, MemoryRow } from './row.ts'
import { createTagLog, type TagLog, UNKNOWN } from './tag-log.ts'

/**
 * The most leases. It bounds the leases of computations that never end, for example in cancelled requests. Far fewer
 * computations are under way at once.
 */
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
  /** The leases by key. A write or removal deletes the lease, so that the fill under it is refused. */
  readonly leases: Map<string, Lease>
  /** Returns the entry in any state. Counts as a use. */
  read(key: string): MemoryRow | undefined
  /** Returns the entry in any state, without counting as a use. */
  peek(key: string): MemoryRow | undefined
  /** Stores an entry, and evicts the least recently used entries if a limit requires it. */
  put(entry: StoredEntry): void
  remove(key: string): void
  claim(key: string, lease: Lease): void
  rows(): Iterable<MemoryRow>
  /** @param at the present time, if the caller has it */
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
      // An entry larger than `maxBytes` is not stored, and the entry that it replaces is removed as well.
      entries.set(entry.key, new MemoryRow(entry, copies), { size: bytesOf(entry) })
    },
    remove(key) {
      entries.delete(key)
    },
    claim(key, lease) {
      leases.delete(key)
      const [oldest] = leases.size >= MAX_LEASES ? leases.keys() : []
      // The fill under the oldest lease will be refused, which is always safe.
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
 * True for an entry that needs no clock, because it has no deadline. Reading the clock takes a quarter to a half of the
 * time of a hit. Inside Next the clock is always read. It tells Next not to prerender a page with the content that the
 * cache has during the build.
 */
function isPermanent({ expiresAt }: MemoryRow): boolean {
  return expiresAt === Number.POSITIVE_INFINITY && !isInNext()
}

/** Returns the bytes of key, value and tags in UTF-8, at least 1. `maxBytes` limits their sum. */
function bytesOf({ key, value, number, tags }: StoredEntry): number {
  return storedBytes({ key, value, number }) + (tags ?? []).reduce((sum, tag) => sum + utf8Bytes(tag), 0)
}
