/** The entries of a memory cache in order of use, its leases, and its log of tags. All of it is synchronous. */
import { LRUCache } from 'lru-cache'
import { wallClock as processClock } from '../../values/clock.ts'
import type { StoredValue } from '../../values/codec.ts'
import { utf8Bytes } from '../../values/events.ts'
import type { Deadline } from '../../values/expiration.ts'
import { createTagLog, type TagLog, UNKNOWN } from './tag-log.ts'

/** An entry. Instants are milliseconds since the epoch; Infinity is never. */
export interface Row extends StoredValue {
  readonly key: string
  expiresAt: number
  /** Until when a stale value may still be served; never before `expiresAt`. */
  keptUntil: number
  readonly tags: readonly string[] | null
  /** The log's position that the value is no older than; it matters where there are tags. */
  filledAt: number
  readonly computeMs: number | null
  readonly createdAt: number
  updatedAt: number
  /** The engine's decoded copy of a small value. */
  decoded?: unknown
}

interface Lease {
  readonly token: string
  readonly expiresAt: number
  /** The log's position at the claim. */
  readonly claimedAt: number
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
  read(key: string): Row | undefined
  /** The same, without counting as a use. */
  peek(key: string): Row | undefined
  /** Stores an entry, and evicts the least recently used ones if the bounds require it. */
  put(row: Row): void
  remove(key: string): void
  claim(key: string, lease: Lease): void
  rows(): Iterable<Row>
  isLive(row: Row, at: number): boolean
  isRejected(row: Row): boolean
  clear(): void
}

export function createStorage({ maxEntries, maxBytes, now = processClock }: MemoryLimits): MemoryStorage {
  const entries = new LRUCache<string, Row>({ max: maxEntries, maxSize: maxBytes })
  const leases = new Map<string, Lease>()
  const tagLog = createTagLog(() => {
    for (const row of entries.values()) row.filledAt = isRejected(row) ? UNKNOWN : tagLog.position()
  })
  const isRejected = (row: Row) => tagLog.rejects(row.tags, row.filledAt)

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
export function bytesOf({ key, value, number, tags }: Row): number {
  return storedBytes({ key, value, number }) + (tags ?? []).reduce((sum, tag) => sum + utf8Bytes(tag), 0)
}

/** Bytes of key and value, as listings report them. */
export function storedBytes({ key, value, number }: Pick<Row, 'key' | 'value' | 'number'>): number {
  return utf8Bytes(key) + utf8Bytes(value ?? '') + (number ?? '').length
}

/** The instant of a deadline; one that is not in the future is the epoch, as in Postgres. */
export function instantOf(deadline: Deadline, at: number): number {
  if (deadline.kind === 'never') return Number.POSITIVE_INFINITY
  const instant = deadline.kind === 'at' ? deadline.epochMs : at + deadline.ms
  return instant <= at ? 0 : instant
}

/** Moves a deadline. The stale window behind it stays as long as it was, but a past deadline is final. */
export function moveDeadline(row: Row, to: number, at: number): void {
  const keptMs = row.expiresAt === Number.POSITIVE_INFINITY || to <= at ? 0 : row.keptUntil - row.expiresAt
  row.keptUntil = to + keptMs
  row.expiresAt = to
  row.updatedAt = at
}
