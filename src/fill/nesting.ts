/**
 * Finds the computation from which a call is made, so that no computation waits for itself.
 *
 * `AsyncLocalStorage` follows a computation through its awaits. Node, Vercel and Workers with `nodejs_compat` have it.
 * It is looked up and not imported, because other runtimes lack it. There, only calls before the first `await` of a
 * computation are recognised. A later call that waits for its own computation waits until the lease expires.
 */
interface Storage {
  run<T>(store: Computation, work: () => T): T
  getStore(): Computation | undefined
}

/** The computation of a call. */
export interface Computation {
  /** Identifies the cache: a tier may compute a value from the entry with the same key in another tier. */
  readonly owner: object
  readonly key: string
  /** The computation that made the call. */
  readonly parent: Computation | undefined
  /** The computations that this one waits for. */
  readonly waitsFor: Set<Computation>
}

const storage = findStorage()
let synchronous: Computation | undefined

export function startComputation(owner: object, key: string): Computation {
  return { owner, key, parent: storage?.getStore() ?? synchronous, waitsFor: new Set() }
}

/** Runs a computation. Calls made from it get it as their parent. */
export function runInside<T>(computation: Computation, work: () => T): T {
  const before = synchronous
  synchronous = computation
  try {
    return storage === undefined ? work() : storage.run(computation, work)
  } finally {
    synchronous = before
  }
}

/** True if the call was made, directly or indirectly, by the computation of its own key. */
export function isNestedInItself(own: Computation): boolean {
  return ancestorsOf(own).some(({ owner, key }) => owner === own.owner && key === own.key)
}

/** True if `other` waits, directly or indirectly, for a computation that made the call. */
export function wouldDeadlock(own: Computation, other: Computation): boolean {
  const ancestors = ancestorsOf(own)
  if (ancestors.length === 0) return false
  const seen = new Set([other])
  // The loop also visits computations that it adds to the set.
  for (const each of seen) {
    if (ancestors.includes(each)) return true
    for (const next of each.waitsFor) seen.add(next)
  }
  return false
}

/**
 * Runs the work. Meanwhile, all computations from which the call was made count as waiting for the other computation.
 */
export async function whileWaitingFor<T>(own: Computation, other: Computation, work: () => Promise<T>): Promise<T> {
  const ancestors = ancestorsOf(own)
  for (const each of ancestors) each.waitsFor.add(other)
  try {
    return await work()
  } finally {
    for (const each of ancestors) each.waitsFor.delete(other)
  }
}

/** Returns the computations from which the call was made, from the innermost to the outermost. */
function ancestorsOf({ parent }: Computation): Computation[] {
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent)]
}

function findStorage(): Storage | undefined {
  const found =
    Reflect.get(globalThis, 'AsyncLocalStorage') ??
    Reflect.get(Object(globalThis.process?.getBuiltinModule?.('node:async_hooks')), 'AsyncLocalStorage')
  return typeof found === 'function' ? (new found() as Storage) : undefined
}
