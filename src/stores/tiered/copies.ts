/** The first tier: copies of rows, each for a short time. A failure of the first tier counts as a miss. */
import type { SweepInput } from '../../store/inputs.ts'
import type { Item, MaybePromise, ReadOptions, Row } from '../../store/store.ts'
import { byCodePoint, ROOT, type Scope } from '../../values/key.ts'
import type { NearStore } from '../near-store.ts'
import type { CopyGuard } from './copy-guards.ts'

/** The tag for copies of rows whose store does not report their tags. Every invalidation removes them. */
const UNKNOWN_TAGS = 'pgstash:unknown tags'
/** The beginning of the keys of sliding hints: a version of the namespace `pgstash`, in any first tier. */
const HINTS = 'pgstash|\\@sliding hints|'

export interface Copies {
  /** Returns the copy, if the first tier can answer synchronously. */
  readLocal(key: string): Row | undefined
  /** @param options `forCopy` is true if another tier keeps copies of the copies */
  read(key: string, options?: CopyOptions): Promise<Row | undefined>
  readMany(keys: readonly string[], options?: CopyOptions): Promise<ReadonlyMap<string, Row>>
  has(key: string): Promise<boolean>
  /** Keeps a copy of the guard's key, unless the guard has become invalid. */
  keep(row: Row, guard: CopyGuard): Promise<void>
  /** Keeps copies of rows that were just written. Returns false if none are kept, or if a guard has become invalid. */
  keepAll(items: readonly Item[], life: Life, guards: readonly CopyGuard[]): Promise<boolean>
  /** Removes copies, and the hints about their deadlines. */
  forget(keys: readonly string[]): Promise<void>
  /** Removes only the hints, because the deadline may have changed. */
  forgetHints(keys: readonly string[]): Promise<void>
  invalidate(tags: readonly string[]): Promise<void>
  clear(scope?: Scope): Promise<void>
  sweep(scope: Scope): Promise<void>
  /** Returns true if the copy can answer a sliding read, because the deadline in the second tier need not move yet. */
  canSlide(key: string, ttlMs: number): Promise<boolean>
  /** Records how long the copy can answer sliding reads with this span. */
  hintSliding(ttlMs: number, life: Life, guard: CopyGuard): Promise<void>
}

type CopyOptions = Pick<ReadOptions, 'forCopy'>

type Life = Pick<Row, 'remainingMs' | 'tags'>

const SWEEP: SweepInput = {
  batch: 5_000,
  timeBudget: Number.POSITIVE_INFINITY,
  onProgress: undefined,
  signal: undefined,
}

/** @param copyMs the longest life of a copy, in milliseconds */
export function createCopies(near: NearStore, copyMs: number): Copies {
  const attempt = async <T>(call: () => MaybePromise<{ readonly value: T }>): Promise<T | undefined> => {
    try {
      return (await call()).value
    } catch {
      return undefined
    }
  }

  async function write(items: readonly Item[], { remainingMs = 0, tags = [UNKNOWN_TAGS] }: Life): Promise<boolean> {
    const ms = Math.floor(Math.min(copyMs, remainingMs))
    if (ms <= 0) return false
    const input = { deadline: { kind: 'after', ms }, tags, asOf: null } as const
    return (await attempt(async () => near.write(items, input))) !== undefined
  }

  const remove = (keys: readonly string[]) => attempt(async () => near.remove([...keys].sort(byCodePoint)))

  async function clear(scope: Scope = ROOT): Promise<void> {
    await attempt(async () => near.clear(scope))
    if (scope.prefix !== '') await attempt(async () => near.clear({ ...scope, prefix: HINTS + scope.prefix }))
  }

  return {
    readLocal(key) {
      try {
        return near.readLocal?.(key)
      } catch {
        return undefined
      }
    },
    read: (key, options) => attempt<Row | undefined>(async () => near.read(key, options)),
    readMany: async (keys, options) =>
      (await attempt<ReadonlyMap<string, Row>>(async () => near.readMany(keys, options))) ?? new Map(),
    has: async (key) => (await attempt<boolean>(async () => near.has(key))) ?? false,
    async keep(row, guard) {
      if (!guard.isValid) return
      const { key } = guard
      const isKept = await write([{ key, value: row.value, number: row.number }], row)
      // Remove the copy even if its write failed: a failed write may have stored it.
      if (!guard.isValid || !isKept) await remove([key])
    },
    async keepAll(items, life, guards) {
      const areValid = () => guards.every(({ isValid }) => isValid)
      return areValid() && (await write(items, life)) && areValid()
    },
    async forget(keys) {
      await remove([...keys, ...keys.map((key) => HINTS + key)])
    },
    async forgetHints(keys) {
      await remove(keys.map((key) => HINTS + key))
    },
    async invalidate(tags) {
      if ((await attempt(async () => ({ value: [await near.invalidate([...tags, UNKNOWN_TAGS])] }))) === undefined)
        await clear()
    },
    clear,
    async sweep(scope) {
      await attempt(async () => near.sweep(scope, SWEEP))
    },
    async canSlide(key, ttlMs) {
      const hint = await attempt<Row | undefined>(async () => near.read(HINTS + key))
      // If the deadline need not move for a longer span, it need not move for a shorter span either.
      return Number(hint?.number) >= ttlMs
    },
    async hintSliding(ttlMs, { remainingMs = 0, tags }, guard) {
      if (!guard.isValid) return
      const hint = { key: HINTS + guard.key, value: null, number: String(ttlMs) }
      await write([hint], { remainingMs: remainingMs - ttlMs, tags })
      if (!guard.isValid) await remove([hint.key])
    },
  }
}
