/** Writes and counters of the Postgres store. */
import type { LimitAlgorithm } from '../cache.ts'
import { changesNothing, describeLimit, type LimitInput, type Window } from '../store/limits.ts'
import type { CountInput, Item, Store, WriteInput } from '../store/store.ts'
import { CounterRangeError, DatabaseError, NotANumberError } from '../values/errors.ts'
import { chunks } from './batches.ts'
import { add } from './operations/add.ts'
import { countUp } from './operations/count-up.ts'
import { deadlineValues } from './operations/fragments.ts'
import { countCall, countSliding, takeTokens } from './operations/limit.ts'
import { readCounter } from './operations/read-counter.ts'
import { touch } from './operations/touch.ts'
import { write } from './operations/write.ts'
import { writeMany } from './operations/write-many.ts'
import type { Run, Session } from './session.ts'
import { futureSnapshot } from './untrusted-snapshot.ts'

/**
 * The most characters in one statement. Escaped twice, as an array and as JSON, they can grow fourfold, and they must
 * arrive before the timeout.
 */
const MAX_PART_CHARACTERS = 4 * 1024 * 1024
/** An entry may change between a refusal and the look at its reason, but hardly this often in a row. */
const MAX_TRIES = 5

export function writes(session: Session) {
  return {
    write: (items, input) =>
      session(async (run) => {
        const values = inputValues(input)
        if (items.length === 1) await writePart(run, items, values)
        else for (const part of chunks(items, characters, MAX_PART_CHARACTERS)) await writePart(run, part, values)
        return items.length
      }),
    add: (item, input) =>
      session(async (run) => {
        const [row] = await run(add, { ...item, ...inputValues(input) })
        if (row?.added === 0) throw futureSnapshot()
        return row !== undefined
      }),
    touch: (key, deadline) =>
      session(async (run) => (await run(touch, { key, ...deadlineValues(deadline) })).length > 0),
    count: (key, input) => session((run) => sum(run, key, input)),
    limit: (key, rule) => session((run) => limit(run, key, rule)),
  } satisfies Partial<Store>
}

function inputValues({ deadline, tags, asOf }: WriteInput) {
  const { at, after } = deadlineValues(deadline)
  return { at, after, tags, asOf }
}

async function writePart(run: Run, items: readonly Item[], input: ReturnType<typeof inputValues>): Promise<void> {
  const [only] = items
  // A value in a separate parameter is escaped once instead of twice.
  if (items.length === 1 && only !== undefined) {
    const { key, value, number } = only
    const { at, after, tags, asOf } = input
    // List the fields, because spreading both objects costs more than all other work of this process for a write.
    requireStored(await run(write, { key, value, number, at, after, tags, asOf }), asOf)
  } else {
    const columns = {
      keys: items.map(({ key }) => key),
      values: items.map(({ value }) => value),
      numbers: items.map(({ number }) => number),
    }
    requireStored(await run(writeMany, { ...columns, ...input }), input.asOf)
  }
}

/** @throws DatabaseError if the statement stored nothing, because `asOf` is from the future */
function requireStored([row]: readonly { count: number }[], asOf: string | null): void {
  if (asOf !== null && row?.count === 0) throw futureSnapshot()
}

async function sum(run: Run, key: string, { delta, sliding, deadline }: CountInput): Promise<string> {
  const { at, after } = deadlineValues(deadline)
  const values = { key, delta, sliding, at, after }
  for (let tried = 1; tried <= MAX_TRIES; tried++) {
    const [row] = await run(countUp, values)
    if (row?.number != null) return row.number
    if (row?.refusal === 'text') throw new NotANumberError()
    if (row?.refusal === 'range') throw new CounterRangeError()
  }
  throw new DatabaseError('The counter changed at every try. Call again.', { sqlState: '40001' })
}

const LIMITS: Readonly<Record<LimitAlgorithm, typeof countCall>> = {
  'fixed-window': countCall,
  'sliding-window': countSliding,
  'token-bucket': takeTokens,
}

async function limit(run: Run, key: string, rule: LimitInput): Promise<Window> {
  const { algorithm = 'fixed-window', cap, cost = 1, periodMs, refill = cap } = rule
  const isNoOp = changesNothing(rule)
  const [row] = isNoOp
    ? await run(readCounter, { key })
    : await run(LIMITS[algorithm], { key, cap, cost, periodMs, ...(algorithm === 'token-bucket' && { refill }) })
  if (row === undefined || row.allowed === null) throw new NotANumberError()
  const { number, leftMs, expiresAt } = row
  // Instants are relative to the database's present, so that this process's clock does not matter.
  const hasCounter = number !== null && (leftMs === null || leftMs > 0 || number !== '0')
  const counter = hasCounter ? { number, expiresAt: leftMs ?? Number.POSITIVE_INFINITY } : undefined
  const window = describeLimit(counter, rule, 0, isNoOp ? undefined : row.allowed && cost < cap)
  return { ...window, resetAt: expiresAt + Math.round(window.resetAt - (leftMs ?? 0)) }
}

function characters({ key, value }: Item): number {
  return key.length + (value?.length ?? 0)
}
