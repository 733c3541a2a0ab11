/**
 * Which computation a call is made from, so that `getOrSet` of a key inside its own computation does not wait for itself.
 *
 * `AsyncLocalStorage` follows a computation through its awaits: Node, Vercel and Workers with `nodejs_compat` have it.
 * Looked for and not imported, because elsewhere it is missing; there only calls before the first await are seen, and
 * others end by the lease.
 */
interface Storage {
  run<T>(store: Computation, work: () => T): T
  getStore(): Computation | undefined
}

/** A computation under way. */
export interface Computation {
  /** Whose key it is: a tier may compute from another tier's entry of the same key. */
  readonly owner: object
  readonly key: string
  readonly parent: Computation | undefined
  /** The computations that it waits for. */
  readonly waitsFor: Set<Computation>
}

/** What a computation is known by: a call. */
interface Origin {
  readonly owner: object
  readonly key: string
  /** The computation that the call was made from. */
  readonly inside: Computation | undefined
}

const storage = findStorage()
let synchronous: Computation | undefined

/** The computation that this call is made from. */
export function currentComputation(): Computation | undefined {
  return storage?.getStore() ?? synchronous
}

export function startComputation({ owner, key, inside }: Origin): Computation {
  return { owner, key, parent: inside, waitsFor: new Set() }
}

/** Runs work so that {@link currentComputation} answers with the computation inside it. */
export function runInside<T>(computation: Computation, work: () => T): T {
  const before = synchronous
  synchronous = computation
  try {
    return storage === undefined ? work() : storage.run(computation, work)
  } finally {
    synchronous = before
  }
}

/** Whether a call is part of the computation of its own key. */
export function isNestedInItself({ owner, key, inside }: Origin): boolean {
  for (let at = inside; at !== undefined; at = at.parent) if (at.owner === owner && at.key === key) return true
  return false
}

/** Whether waiting for `other` from inside `inner` would close a circle. */
export function wouldDeadlock(inner: Computation | undefined, other: Computation | undefined): boolean {
  const seen = new Set<Computation>()
  const waiting = other === undefined ? [] : [other]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    for (let own = inner; own !== undefined; own = own.parent) if (own === at) return true
    waiting.push(...at.waitsFor)
  }
  return false
}

/** Notes, for as long as the work takes, that the computations which a call is made from wait for another. */
export async function whileWaitingFor<T>(
  other: Computation,
  inner: Computation | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const waiting: Computation[] = []
  for (let at = inner; at !== undefined; at = at.parent) waiting.push(at)
  for (const each of waiting) each.waitsFor.add(other)
  try {
    return await work()
  } finally {
    for (const each of waiting) each.waitsFor.delete(other)
  }
}

function findStorage(): Storage | undefined {
  const found =
    Reflect.get(globalThis, 'AsyncLocalStorage') ??
    Reflect.get(Object(globalThis.process?.getBuiltinModule?.('node:async_hooks')), 'AsyncLocalStorage')
  return typeof found === 'function' ? (new found() as Storage) : undefined
}
