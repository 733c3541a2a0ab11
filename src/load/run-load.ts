/** A whole run: its clients at once, then the verdict on what they saw. */
import type { FinalCounts, Recorded } from './history.ts'
import { judge } from './judge.ts'
import { LEASE_MS, type LoadTarget } from './make-call.ts'
import { type LoadOptions, type LoadPlan, parseLoadOptions } from './options.ts'
import { runClient } from './run-client.ts'
import { type LoadSummary, summarize } from './summarize.ts'
import type { Violation } from './violation.ts'

export interface LoadResult extends LoadSummary {
  /** What caches sent for all calls, where it was counted. */
  readonly roundTrips?: number
  /** What a correct store cannot do; empty when all is well. */
  readonly violations: readonly Violation[]
}

export interface RunLoadOptions extends LoadOptions {
  /** Connects one client: a cache of its own, or one that clients share, and the clock of its entries. */
  connect(client: number): LoadTarget | Promise<LoadTarget>
  /** Milliseconds of a monotonic clock; default `performance.now()`. */
  now?: () => number
  /** In front of tags; default `load-`. */
  tagPrefix?: string
  signal?: AbortSignal
  onCall?: (record: Recorded) => void
}

const monotonicNow = () => performance.now()

/**
 * Puts a cache under load in this process, and checks that it kept its promises.
 *
 * Throws an `InvalidOptionError`, and what `connect` throws. A call that fails is a violation.
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
  /** Number of the first client. */
  readonly first: number
  readonly now: () => number
}

/** All clients of one process. */
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

/** The counters when nobody writes any more. */
export async function finalCounts({ cache }: LoadTarget, { keys }: LoadPlan): Promise<FinalCounts> {
  const names = Array.from({ length: keys }, (_, i) => `counter-${i}`)
  return Object.fromEntries(await cache.getMany<number>(names))
}
