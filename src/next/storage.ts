/** Stores the entries of both handlers. Failing reads and writes never fail a request. */
import { engineOf } from '../cache/engine.ts'
import type { Cache, CacheSnapshot } from '../cache.ts'
import { type TagMarks, tagMarksOf } from '../postgres/tag-marks.ts'
import { now } from '../values/clock.ts'
import { CacheError, UnserializableValueError, ValueTooLargeError } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { createClockMarks } from './clock-marks.ts'
import { decodeFrame, encodeFrame, type Frame } from './frame.ts'
import { markName, namesOf } from './names.ts'
import { requireCache } from './options.ts'
import { leaveContext } from './outside.ts'
import { type EntryState, EXPIRED, MARK_PREFIXES, type MarkValue, STALE, stateAfter } from './tag-events.ts'

/** The namespace of the entries, nested in the cache's own. */
export const NEXT_NAMESPACE = 'next'
/**
 * A fill that began before a revalidation is recognized as older, even if it ends this long after it. Marks expire
 * later than all entries that they affect. So a bounded cache, which evicts the entries that expire soonest, evicts
 * these entries first.
 */
const LONGEST_FILL_MS = 24 * 3_600_000

/** The fields that every entry has in its header. */
export interface EntryHeader {
  /** The tags as Next passed them. */
  readonly tags: readonly string[]
  /**
   * When the reading of the entry's data began, in milliseconds since 1970 by the clock of the process that wrote it.
   */
  readonly since: number
}

export interface Lookup<Header> {
  /** Undefined if there is no entry, or if a revalidation expired it. */
  readonly frame: Frame<Header> | undefined
  readonly state: EntryState
  /** The snapshot of this read. Pass it to the `write` of a value that is computed after this read. */
  readonly snapshot: CacheSnapshot | undefined
}

export interface Write<Header> extends Frame<Header> {
  readonly keepMs: number
  readonly asOf: CacheSnapshot | undefined
}

export interface NextStorage {
  /** Costs one round trip. A failure is a miss. */
  read<Header extends EntryHeader>(key: string, tags: readonly string[]): Promise<Lookup<Header>>
  /** Costs one round trip. If it fails, or if the value is too large, the entry stays unchanged. */
  write<Header extends EntryHeader>(key: string, write: Write<Header>): Promise<void>
  /**
   * Costs one round trip. Rejects if the database cannot answer, because reporting success would be wrong.
   *
   * @param expire seconds for which entries may be served stale; null for no limit; undefined if they expire at once
   */
  revalidate(tags: readonly string[], expire: number | null | undefined): Promise<void>
}

const MISS = { frame: undefined, state: 'expired', snapshot: undefined } as const

/** @param retentionMs the longest life of an entry */
export function createStorage(cache: Cache, retentionMs: number): NextStorage {
  requireCache(cache)
  const entries = cache.namespace(NEXT_NAMESPACE)
  const runOutside = leaveContext()
  const marks: TagMarks =
    tagMarksOf(entries) ?? createClockMarks(cache, entries, (value) => decodeFrame<EntryHeader>(value)?.header)
  // Every entry gets this tag, because an entry without tags has no snapshot to compare marks with. Tags are global, so
  // the name contains the scope.
  const ownTag = engineOf(entries)?.scope.names.join('|') ?? NEXT_NAMESPACE

  return {
    read: (key, tags) =>
      runOutside(async () => {
        try {
          const names = [...new Set(tags.map(markName))]
          const found = await marks.read(key, names, MARK_PREFIXES)
          const state = stateAfter(found.marks)
          const frame = state === 'expired' ? undefined : decodeFrame<never>(found.value)
          return { frame, state, snapshot: found.snapshot }
        } catch (error) {
          return absorbFailure(error, MISS)
        }
      }),
    write: (key, { keepMs, asOf, ...frame }) =>
      runOutside(async () => {
        const expiration = { milliseconds: Math.min(keepMs, retentionMs) }
        const tags = [ownTag, ...namesOf(frame.header.tags)]
        try {
          await marks.guard(() => entries.set(key, encodeFrame(frame), { expiration, tags, asOf }))
        } catch (error) {
          reportRefusal(entries, error)
          absorbFailure(error, undefined)
        }
      }),
    revalidate: (tags, expire) =>
      shareInTick(cache, JSON.stringify([tags, expire]), () =>
        runOutside(async () => {
          if (tags.length === 0) return
          const value: MarkValue = [now(), expire ?? null]
          const prefix = expire === undefined ? EXPIRED : STALE
          const named = new Map(tags.map((tag) => [prefix + markName(tag), value]))
          const invalidated = expire === undefined ? namesOf(tags) : []
          await marks.write({ marks: named, keepMs: retentionMs + LONGEST_FILL_MS, tags: [ownTag], invalidated })
        }),
      ),
  }
}

/** Absorbs failures of the cache, because its events report them. Any other error is a bug. */
function absorbFailure<T>(error: unknown, fallback: T): T {
  if (error instanceof CacheError) return fallback
  throw error
}

/**
 * Reports a value that the cache refused. It was never sent, so the engine, which reports database failures, did not
 * report it.
 */
function reportRefusal(cache: Cache, error: unknown): void {
  if (!(error instanceof ValueTooLargeError || error instanceof UnserializableValueError)) return
  engineOf(cache)?.emit?.({ type: 'error', operation: 'set', error, durationMs: 0, ...noCost() })
}

const sharedByCache = new WeakMap<Cache, Map<string, Promise<void>>>()

/**
 * Shares work between calls in the same tick. Next calls every handler at once for one `revalidateTag`, so handlers of
 * one cache share one statement. Calls in a later tick do not share it, because their caller may have changed data in
 * between.
 */
function shareInTick(cache: Cache, name: string, work: () => Promise<void>): Promise<void> {
  const shared = sharedByCache.get(cache) ?? new Map<string, Promise<void>>()
  sharedByCache.set(cache, shared)
  let pending = shared.get(name)
  if (pending === undefined) {
    pending = work()
    shared.set(name, pending)
    queueMicrotask(() => shared.delete(name))
  }
  return pending
}
