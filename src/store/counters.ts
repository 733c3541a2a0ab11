/** The rules of counters as pure functions. The rules of other entries are in `entries.ts`. */
import { addDecimals } from '../values/decimal.ts'
import { NotANumberError } from '../values/errors.ts'
import { resolveDeadline, type StoredEntry } from './entries.ts'
import { countLimited, type LimitInput, type Window } from './limits.ts'
import type { CountInput } from './store.ts'

/**
 * Returns the entry that `count` stores. Its `number` is the sum.
 *
 * @param live the key's entry if it is live
 * @throws NotANumberError, CounterRangeError
 * @example
 * const entry = countEntry(liveEntry, key, input, now)
 * slots.set(key, { entry }) // no lease: a write breaks it
 * return toReply(entry.number)
 */
export function countEntry(
  live: StoredEntry | undefined,
  key: string,
  { delta, sliding, deadline }: CountInput,
  now: number,
): StoredEntry & { readonly number: string } {
  const before = counterOf(live)
  const number = addDecimals(before?.number ?? '0', delta)
  if (before !== undefined && !sliding) return counter(before, key, number, before.expiresAt, before.staleUntil, now)
  const given = resolveDeadline(deadline, now)
  return counter(before, key, number, given, given, now)
}

/**
 * Returns the entry that `limit` stores, and its answer.
 *
 * If the call was refused or had a cost of 0, `isChanged` is false, and there is nothing to store.
 *
 * @param live the key's entry if it is live
 * @throws NotANumberError
 * @example
 * const { entry, window, isChanged } = limitEntry(liveEntry, key, rule, now)
 * if (isChanged) slots.set(key, { entry })
 * return toReply(window)
 */
export function limitEntry(
  live: StoredEntry | undefined,
  key: string,
  rule: LimitInput,
  now: number,
): { readonly entry: StoredEntry; readonly window: Window; readonly isChanged: boolean } {
  const before = counterOf(live)
  const { counter: after, window } = countLimited(before, rule, now)
  if (after === undefined) {
    // Return an entry in any case, because older stores ignore `isChanged` and store it.
    const nothing = counter(undefined, key, '0', 0, 0, now)
    // A stored null counts as 0. Giving calls back to it leaves a counter of 0.
    const isChanged = live !== undefined && (rule.cost ?? 1) < 0
    return { entry: isChanged ? nothing : (live ?? nothing), window, isChanged }
  }
  if (after === before) return { entry: before, window, isChanged: false }
  const { number, expiresAt } = after
  // A fixed window keeps the time for which its number may be served as stale.
  const isFixed = (rule.algorithm ?? 'fixed-window') === 'fixed-window'
  const staleUntil = isFixed && before?.expiresAt === expiresAt ? before.staleUntil : expiresAt
  return { entry: counter(before, key, number, expiresAt, staleUntil, now), window, isChanged: true }
}

type Counter = StoredEntry & { readonly number: string }

/** Returns undefined if a new counter begins. @throws NotANumberError if the live entry is no counter */
function counterOf(live: StoredEntry | undefined): Counter | undefined {
  if (live === undefined) return undefined
  if (live.value !== null) throw new NotANumberError()
  return live.number === null ? undefined : (live as Counter)
}

/**
 * Builds a counter. A running counter keeps its tags and its age. Object spreads would take as long as all the rest.
 */
function counter(
  before: Counter | undefined,
  key: string,
  number: string,
  expiresAt: number,
  staleUntil: number,
  now: number,
): Counter {
  return {
    key,
    value: null,
    number,
    tags: before?.tags ?? null,
    position: before?.position ?? 0,
    computeMs: null,
    expiresAt,
    staleUntil,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  }
}
