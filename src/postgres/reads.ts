/** Reads of the Postgres store. */
import type { ChangeReader, Changes } from '../store/changes.ts'
import type { ReadOptions, Row, Store } from '../store/store.ts'
import type { StoredValue } from '../values/codec.ts'
import { inParts } from './batches.ts'
import { type CopyColumns, copyFields, passChanges } from './copy-columns.ts'
import { has } from './operations/has.ts'
import { read } from './operations/read.ts'
import {
  readCopies,
  readCopiesWithChanges,
  readCopySliding,
  readCopySlidingWithChanges,
} from './operations/read-copies.ts'
import { readDeadline } from './operations/read-deadline.ts'
import { readOne } from './operations/read-one.ts'
import type { Run, Session } from './session.ts'
import { maySlide, readSlidingRow } from './sliding.ts'
import { readEitherWay, type WriteRefusals } from './write-refusals.ts'

interface CopyRow extends StoredValue, CopyColumns {
  readonly key: string
}

export function reads(session: Session, refusals: WriteRefusals) {
  return {
    read: (key, options = {}) =>
      session(async (run): Promise<Row | undefined> => {
        const { sliding, forCopy = false } = options
        if (sliding === undefined) return (await readRows(run, [key], options)).get(key)
        if (!forCopy) return readSlidingRow(run, refusals, key, sliding)
        const plain = async () => (await readRows(run, [key], options)).get(key)
        if (!(await maySlide(run, refusals, { key, ...sliding }))) return plain()
        return readEitherWay(refusals, () => readSlidingCopy(run, key, options), plain)
      }),
    readMany: (keys, options = {}) => session((run) => readRows(run, keys, options)),
    has: (key) => session(async (run) => (await run(has, { key })).length > 0),
    deadline: (key) =>
      session(async (run) => {
        const [row] = await run(readDeadline, { key })
        return row && (row.expiresAt ?? Number.POSITIVE_INFINITY)
      }),
  } satisfies Partial<Store>
}

async function readRows(
  run: Run,
  keys: readonly string[],
  { forCopy = false, changes }: ReadOptions,
): Promise<Map<string, Row>> {
  if (!forCopy) {
    const [key] = keys
    // Skip `inParts`, because a get of one key is by far the most frequent call.
    if (keys.length === 1 && key !== undefined) return new Map((await run(readOne, { key })).map((row) => [key, row]))
    return inParts(keys, (part) => readPlain(run, part))
  }
  const rows = await inParts<CopyRow>(keys, async (part) => {
    if (changes === undefined) return run(readCopies, { keys: part })
    return withChanges(changes, await run(readCopiesWithChanges, { keys: part, since: changes.since() }))
  })
  return new Map(Array.from(rows, ([key, row]) => [key, rowOf(row)]))
}

/** Reads a single key with a separate statement, because Postgres keeps its plan. */
async function readPlain(run: Run, keys: readonly string[]) {
  const [key] = keys
  if (keys.length > 1 || key === undefined) return run(read, { keys })
  return (await run(readOne, { key })).map((row) => ({ key, ...row }))
}

async function readSlidingCopy(run: Run, key: string, { sliding, changes }: ReadOptions): Promise<Row | undefined> {
  const values = { keys: [key], ...sliding }
  const rows: CopyRow[] =
    changes === undefined
      ? (await run(readCopySliding, values)).flatMap(presentRow)
      : await withChanges(changes, await run(readCopySlidingWithChanges, { ...values, since: changes.since() }))
  return rows[0] && rowOf(rows[0])
}

async function withChanges<T extends { readonly key: string | null; readonly changes: Changes | null }>(
  reader: ChangeReader,
  rows: readonly T[],
) {
  await passChanges(reader, rows[0]?.changes)
  return rows.flatMap(presentRow)
}

/** Drops a row that only carries changes. */
function presentRow<T extends { readonly key: string | null }>({ key, ...row }: T) {
  return key === null ? [] : [{ ...row, key }]
}

function rowOf({ value, number, ...columns }: CopyRow): Row {
  return { value, number, ...copyFields(columns) }
}
