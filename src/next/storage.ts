/** Where both handlers keep their entries: reads, writes and revalidations that never fail a request. */
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
 * A fill may take as long as this after a revalidation, and still be recognised as older. Marks outlive all entries that they
 * concern, so a bounded cache, which evicts what expires soonest, evicts these entries before their marks.
 */
const LONGEST_FILL_MS = 24 * 3_600_000

/** What every entry of a handler has in its header. */
export interface EntryHeader {
  /** As Next named them. */
  readonly tags: readonly string[]
  /** When the entry's data began to be read, in milliseconds since 1970 by the clock of the process that wrote it. */
  readonly since: number
}

export interface Lookup<Header> {
  /** Undefined if there is none, or if a revalidation expired it. */
  readonly frame: Frame<Header> | undefined
  readonly state: EntryState
  /** As of this read, for the `write` of what is computed now. */
  readonly snapshot: CacheSnapshot | undefined
}

export interface Write<Header> extends Frame<Header> {
  readonly keepMs: number
  readonly asOf: CacheSnapshot | undefined
}

export interface NextStorage {
  /** One round trip. A failure is a miss. */
  read<Header extends EntryHeader>(key: string, tags: readonly string[]): Promise<Lookup<Header>>
  /** One round trip. A failure, and a value that is too large, leave the entry as it was. */
  write<Header extends EntryHeader>(key: string, write: Write<Header>): Promise<void>
  /**
   * One round trip. Rejects if the database cannot answer, because pretending would be wrong.
   *
   * @param expire seconds for which entries may be served as stale; null for any time; undefined: they expire at once
   */
  revalidate(tags: readonly string[], expire: number | null | undefined): Promise<void>
}

const NOTHING = { frame: undefined, state: 'expired', snapshot: undefined } as const

/** @param retentionMs the longest life of an entry */
export function createStorage(cache: Cache, retentionMs: number): NextStorage {
  requireCache(cache)
  const entries = cache.namespace(NEXT_NAMESPACE)
  const outside = leaveContext()
  const marks: TagMarks =
    tagMarksOf(entries) ?? createClockMarks(cache, entries, (value) => decodeFrame<EntryHeader>(value)?.header)
  // Without a tag, an entry has no snapshot to compare marks with. Named after the scope, because tags are global.
  const ownTag = engineOf(entries)?.scope.names.join('|') ?? NEXT_NAMESPACE

  return {
    read: (key, tags) =>
      outside(async () => {
        try {
          const names = [...new Set(tags.map(markName))]
          const found = await marks.read(key, names, MARK_PREFIXES)
          const state = stateAfter(found.marks)
          const frame = state === 'expired' ? undefined : decodeFrame<never>(found.value)
          return { frame, state, snapshot: found.snapshot }
        } catch (error) {
          return absorbFailure(error, NOTHING)
        }
      }),
    write: (key, { keepMs, asOf, ...frame }) =>
      outside(async () => {
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
        outside(async () => {
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

/** Failures of the cache are absorbed, and its events report them. Everything else is a bug. */
function absorbFailure<T>(error: unknown, standIn: T): T {
  if (error instanceof CacheError) return standIn
  throw error
}

/** The engine reports failures of the database by itself. A value that it refuses was never sent, so nothing reported it. */
function reportRefusal(cache: Cache, error: unknown): void {
  if (!(error instanceof ValueTooLargeError || error instanceof UnserializableValueError)) return
  engineOf(cache)?.emit?.({ type: 'error', operation: 'set', error, durationMs: 0, ...noCost() })
}

const sharedByCache = new WeakMap<Cache, Map<string, Promise<void>>>()

/**
 * Next calls every handler at once for one `revalidateTag`. Handlers of one cache then share one statement. Calls of a later
 * tick do not, because their caller may have changed data in between.
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
