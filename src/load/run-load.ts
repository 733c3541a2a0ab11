/** A whole run: all clients at the same time, then the checks of their history. */
import type { FinalCounts, Recorded } from './history.ts'
import { judge } from './judge.ts'
import { LEASE_MS, type LoadTarget } from './make-call.ts'
import { type LoadOptions, type LoadPlan, parseLoadOptions } from './options.ts'
import { runClient } from './run-client.ts'
import { type LoadSummary, summarize } from './summarize.ts'
import type { Violation } from './violation.ts'

export interface LoadResult extends LoadSummary {
  /** Round trips of the caches for all calls, if they were counted. */
  readonly roundTrips?: number
  /** Results that a correct store cannot produce. Empty if the store is correct. */
  readonly violations: readonly Violation[]
}

export interface RunLoadOptions extends LoadOptions {
  /** Connects one client to a new or shared cache, and to the clock of its entries. */
  connect(client: number): LoadTarget | Promise<LoadTarget>
  /** Milliseconds of a monotonic clock; default `performance.now()`. */
  now?: () => number
  /** The start of each tag; default `load-`. */
  tagPrefix?: string
  signal?: AbortSignal
  onCall?: (record: Recorded) => void
}

const monotonicNow = () => performance.now()

/**
 * Puts a cache under load in this process, and checks that its results are correct.
 *
 * Throws an `InvalidOptionError`, and any error of `connect`. A failed call is a violation.
 *
 * @example
 * const clock = async () => Date.now()
 * const cache = memoryCache()
 * const { violations } = await runLoad({ connect: () => ({ cache, clock }), operations: 500 })
 */
export async function runLoad(options: RunLoadOptions): Promise<LoadResult> {
  const plan = parseLoadOptions(options)
  const now = options.now ?? monotonicNow
  const history: Recorded[] = []
  const startedAt = now()
  await runClients({ ...options, plan, first: 0, now }, (record) => {
    history.push(record)
    options.onCall?.(record)
  })
  const final = await finalCounts(await options.connect(-1), plan)
  const violations = judge({ history, final, leaseMs: LEASE_MS, faults: false })
  return { ...summarize(history, now() - startedAt), violations }
}

export interface ClientsRun extends Pick<RunLoadOptions, 'connect' | 'signal' | 'tagPrefix'> {
  readonly plan: LoadPlan
  /** The number of the first client. */
  readonly first: number
  readonly now: () => number
}

/** Runs all clients of one process. */
export async function runClients(run: ClientsRun, onCall: (record: Recorded) => void): Promise<void> {
  const { plan, first, now, signal, tagPrefix = 'load-' } = run
  const clients = Array.from({ length: plan.clients }, (_, i) => first + i)
  const targets = await Promise.all(clients.map((client) => run.connect(client)))
  const until = now() + plan.duration * 1000
  const isOver = () => signal?.aborted === true || now() >= until
  await Promise.all(
    targets.map((target, i) => runClient({ plan, client: first + i, target, tagPrefix, now, isOver, onCall })),
  )
}

/** Reads the counters after the last write. */
export async function finalCounts({ cache }: LoadTarget, { keys }: LoadPlan): Promise<FinalCounts> {
  const names = Array.from({ length: keys }, (_, i) => `counter-${i}`)
  return Object.fromEntries(await cache.getMany<number>(names))
}
