/**
 * Reads an entry and the marks of tags that are newer than it, and writes marks. For adapters of frameworks, whose
 * reads check more tags than an entry has.
 */
import { withCircuit } from '../cache/circuit.ts'
import { asSnapshot } from '../cache/inputs.ts'
import { outcome, perform, replyWith } from '../cache/perform.ts'
import type { Cache, CacheSnapshot } from '../cache.ts'
import { decodeRow } from '../store/decode-row.ts'
import { encodeValue } from '../values/codec.ts'
import { storedKey, storedTags } from '../values/key.ts'
import { deadlineValues } from './operations/fragments.ts'
import { markTags } from './operations/mark-tags.ts'
import { type MarkRow, readMarked } from './operations/read-marked.ts'
import { type PostgresEngine, postgresEngineOf } from './postgres-store.ts'

export interface FoundMark {
  /** The prefix of its key, which tells the kind of mark. */
  readonly prefix: string
  readonly value: unknown
  /** Milliseconds since the mark was written, by the database's clock. */
  readonly ageMs: number
}

export interface MarkedRead {
  /** Undefined if no entry is live. */
  readonly value: unknown
  /** The marks that are newer than the entry's data, for the entry's tags and for the requested tags. */
  readonly marks: readonly FoundMark[]
  /** The snapshot of this read. Undefined if the server cannot tell, for example a standby. */
  readonly snapshot: CacheSnapshot | undefined
}

export interface MarkInput {
  /** Values by the caller's key, which is a prefix followed by a tag. */
  readonly marks: ReadonlyMap<string, unknown>
  /** Milliseconds for which the marks are kept. */
  readonly keepMs: number
  /** The tags of the marks themselves. */
  readonly tags: readonly string[]
  /** Tags to invalidate in the same transaction. */
  readonly invalidated: readonly string[]
}

export interface TagMarks {
  /** One round trip. A failure or an open circuit throws, and does not count as a miss. */
  read(key: string, tags: readonly string[], prefixes: readonly string[]): Promise<MarkedRead>
  /** One round trip, one transaction. */
  write(input: MarkInput): Promise<void>
  /** Runs other work of the cache, but throws at once while the circuit is open. */
  guard<T>(work: () => Promise<T>): Promise<T>
}

/** Returns undefined for a cache that is not on Postgres. */
export function tagMarksOf(cache: Cache): TagMarks | undefined {
  const engine = postgresEngineOf(cache)
  if (engine === undefined) return undefined
  const { store, scope } = engine
  const guard = <T>(work: () => Promise<T>) => withCircuit(store.responseCircuit, work)
  return {
    guard,
    read: (key, tags, prefixes) => guard(() => readWithMarks(engine, key, tags, prefixes)),
    async write({ marks, keepMs, tags, invalidated }) {
      const sorted = Array.from(marks, ([key, value]) => [storedKey(scope, key), value] as const)
      const items = await Promise.all(sorted.map(([key, value]) => encodeValue(value, key, engine)))
      const values = {
        keys: sorted.map(([key]) => key),
        values: items.map(({ value }) => value),
        numbers: items.map(({ number }) => number),
        ...deadlineValues({ kind: 'after', ms: keepMs }),
        markTags: storedTags(tags),
        invalidated: storedTags(invalidated) ?? [],
      }
      await perform(engine, {
        name: 'invalidate',
        run: () => store.session((run) => run(markTags, values)),
        report: () => outcome('invalidate', marks.size),
      })
    },
  }
}

async function readWithMarks(
  engine: PostgresEngine,
  key: string,
  tags: readonly string[],
  prefixes: readonly string[],
): Promise<MarkedRead> {
  const { store, scope, codec } = engine
  const stored = storedKey(scope, key)
  const values = { key: stored, asked: tags, prefixes: prefixes.map((prefix) => scope.prefix + prefix) }
  return perform<MarkedRead>(engine, {
    name: 'get',
    key,
    stored,
    async run() {
      const reply = await store.session((run) => run(readMarked, values))
      const [row] = reply.value
      if (row === undefined) throw new TypeError('Expected one row from a marked read, got none.')
      const value = row.isFound ? await decodeRow(row, stored, codec) : undefined
      const marks = await Promise.all(row.marks.map((mark) => openMark(engine, mark, prefixes)))
      const snapshot = row.snapshot === null ? undefined : asSnapshot(row.snapshot)
      return replyWith(reply, { value, marks, snapshot })
    },
    report: ({ value }) => outcome(value === undefined ? 'miss' : 'hit'),
  })
}

async function openMark(
  { scope, codec }: PostgresEngine,
  [key, ageMs, value, number]: MarkRow,
  prefixes: readonly string[],
): Promise<FoundMark> {
  const own = key.slice(scope.prefix.length)
  const row = { value, number: number === null ? null : String(number) }
  return {
    prefix: prefixes.find((prefix) => own.startsWith(prefix)) ?? '',
    value: await decodeRow(row, key, codec),
    ageMs,
  }
}
