/**
 * `getOrSet`, the same for every store: read or claim, compute, fill; serve stale, refresh early, wait for others.
 *
 * Three things happen to a call, and each has a file: it leads, asking the store and computing (`lead.ts`); it follows a
 * call of the same process that has not asked yet, and shares what comes; or it is woken by one that is at work, and asks
 * by itself. The store decides who computes; what is shared in a process only saves trips.
 */
import type { Fill, GetOrSetOptions } from '../cache.ts'
import { now } from '../values/clock.ts'
import { decodeValue, type StoredValue } from '../values/codec.ts'
import { noCost, type WaitEvent } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { within } from '../values/within.ts'
import { computeAlone } from './compute.ts'
import { type Call, DEFAULTS, type FillEnvironment } from './environment.ts'
import { noteAnswer } from './fill-context.ts'
import { createFlights, type Flight, type Outcome, patienceMs, READ_PATIENCE } from './flights.ts'
import { launch } from './lead.ts'
import { currentComputation, isNestedInItself, whileWaitingFor, wouldDeadlock } from './nesting.ts'
import { parsePlan } from './options.ts'
import type { FillStore } from './store.ts'

/** Failures of other callers' computations that a call puts up with before it computes by itself. */
const MAX_FOREIGN_FAILURES = 1
/** For which a call waits for others of its process: the first may be lost with its request. */
const MAX_LEASES = 2

/** A value, or the word that there was none to be had this way. */
export interface Answer {
  readonly value: unknown
  readonly isOwn: boolean
}
type Found = Answer | 'again' | 'alone'

export interface Filler {
  /**
   * @param key the caller's
   * @param storedKey as the store knows it, namespace included
   * @param steps in place of the store's own, for this call: they must do the same
   */
  getOrSet(
    key: string,
    storedKey: string,
    compute: unknown,
    options?: GetOrSetOptions,
    steps?: FillStore,
  ): Promise<Answer>
  /**
   * Computes although an entry is live, after any computation that is under way, and stores what comes as a fill: fenced by
   * every write meanwhile. Where it waited for longer than `lease`, the value is answered with and not stored.
   */
  refresh(key: string, storedKey: string, compute: unknown, options?: GetOrSetOptions): Promise<Answer>
  /** To be told of every write of the store through this process: what is computed for these keys will not be stored. */
  detach(storedKeys: readonly string[] | 'all'): void
}

/**
 * `getOrSet` for a store of one's own: what the caches of pgstash use themselves.
 *
 * @example
 * const filler = createFiller({ readOrClaim, fill, release }, { onError: 'miss' })
 * const getOrSet = (key, compute, options) => filler.getOrSet(key, key, compute, options)
 */
export function createFiller(store: FillStore, options: Partial<FillEnvironment> = {}): Filler {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const environment: FillEnvironment = { ...DEFAULTS, ...Object.fromEntries(given) }
  const flights = createFlights()

  /** Shares the outcome of a flight that had not asked when this call came. */
  async function follow(flight: Flight, call: Call): Promise<Found> {
    const startedAt = now()
    const reading = await within(environment.timeoutMs * READ_PATIENCE, flight.reading)
    if (reading === undefined) return rescued(flight, call)
    // Without leases the leader's value is for the leader only.
    if ('answer' in reading && reading.answer.claimed === 'unavailable' && reading.answer.entry === undefined)
      return 'alone'
    const entry = 'answer' in reading ? reading.answer.entry : undefined
    // Unreadable, it is computed anew by the leader.
    const found = entry && (await decoded(call, entry).catch(() => undefined))
    if (found !== undefined) {
      tell(call, entry?.state === 'stale' ? 'stale' : 'hit', startedAt)
      return found
    }
    const outcome = await waitFor(flight, call)
    if (outcome === undefined) return 'again'
    if (outcome.kind === 'value') waited(call, startedAt, 'filled')
    return shared(outcome, call, startedAt)
  }

  /** What another call's outcome is to this one. */
  async function shared(outcome: Outcome, call: Call, startedAt: number): Promise<Found> {
    if (outcome.kind === 'unshared') return 'alone'
    if (outcome.kind === 'value') {
      const value = await decoded(call, outcome.stored)
      tell(call, 'hit', startedAt)
      return value
    }
    if (outcome.by === 'store') {
      // A signal concerns the page that the other call was made for, so this call asks by itself.
      if (isFrameworkSignal(outcome.error)) return 'again'
      throw outcome.error
    }
    return ++call.foreignFailures > MAX_FOREIGN_FAILURES ? 'alone' : 'again'
  }

  /**
   * Shares a second flight with all whose patience with the first has ended: each by itself would multiply the load of
   * a database exactly when it is slow. The first may still end, and before the second.
   */
  async function rescued(flight: Flight, call: Call): Promise<Found> {
    const startedAt = now()
    flights.forget(flight)
    const isOwn = flight.rescue === undefined
    flight.rescue ??= launch(call, flights)
    const { rescue } = flight
    let isAnswered = false
    void rescue.reading.then((reading) => {
      isAnswered = 'answer' in reading
    })
    const second = rescue.work.then((outcome) => ({ outcome, own: isOwn }))
    // Once the store has answered the second, only a value of the first is of use: what is computed would be thrown away.
    const first = flight.work.then((outcome) =>
      isAnswered && outcome.kind !== 'value' ? second : { outcome, own: false },
    )
    // Its own computation a call waits for however long it takes: it would begin it a second time.
    const waitMs = isOwn ? Number.POSITIVE_INFINITY : Math.max(0, patienceMs(rescue))
    const end = await within(waitMs, Promise.race([first, second]))
    if (end === undefined) return 'again'
    return end.own ? owned(end.outcome) : shared(end.outcome, call, startedAt)
  }

  /** The flight's outcome, or undefined where this call's patience ends before. */
  async function waitFor(flight: Flight, call: Call) {
    return whileWaitingFor(flight.computation, call.inside, async () => {
      for (let left = patience(flight, call); left > 0; left = patience(flight, call)) {
        const outcome = await within(left, flight.work)
        if (outcome !== undefined) return outcome
      }
      if (patienceMs(flight) <= 0) flights.forget(flight)
      call.hasWaitedInVain = true
      return undefined
    })
  }

  async function find(call: Call): Promise<Found> {
    const working = flights.atWork(call.key, call.plan)
    if (working !== undefined) {
      if (wouldDeadlock(call.inside, working.computation)) return 'alone'
      const startedAt = now()
      const outcome = await waitFor(working, call)
      waited(call, startedAt, outcome === undefined ? 'gave up' : outcome.kind === 'value' ? 'filled' : 'took over')
    }
    const open = flights.joinable(call.key, call.plan)
    if (open !== undefined) return wouldDeadlock(call.inside, open.computation) ? 'alone' : follow(open, call)
    return owned(await launch(call, flights).work)
  }

  async function answer(call: Call): Promise<Answer> {
    // Inside its own computation it would wait for itself.
    if (isNestedInItself(call)) return alone(call)
    for (;;) {
      const found = await find(call)
      if (found === 'alone') return alone(call)
      if (found !== 'again') return found
    }
  }

  function begin(
    name: string,
    key: string,
    compute: unknown,
    options: GetOrSetOptions | undefined,
    force: boolean,
    steps = store,
  ): Call {
    const plan = parsePlan(options, environment)
    plan.signal?.throwIfAborted()
    const inside = currentComputation()
    return {
      name,
      key,
      compute: toFunction(compute),
      plan,
      owner: environment,
      inside,
      store: steps,
      environment: plan.waitUntil === undefined ? environment : { ...environment, waitUntil: plan.waitUntil },
      force,
      waitsUntil: now() + MAX_LEASES * plan.leaseMs,
      foreignFailures: 0,
      hasWaitedInVain: false,
    }
  }

  async function refreshed(call: Call): Promise<Answer> {
    if (isNestedInItself(call)) return alone(call)
    return owned(await launch(call, flights).work)
  }

  return {
    detach: flights.detach,
    async getOrSet(name, key, compute, options, steps) {
      const call = begin(name, key, compute, options, false, steps)
      return untilAborted(call.plan.signal, answer(call))
    },
    async refresh(name, key, compute, options) {
      const call = begin(name, key, compute, options, true)
      return untilAborted(call.plan.signal, refreshed(call))
    },
  }
}

/** What a call's own outcome is to it. */
function owned(outcome: Outcome): Answer {
  if (outcome.kind === 'failed') throw outcome.error
  if (outcome.fill !== undefined) noteAnswer(outcome.fill)
  return { value: outcome.own, isOwn: outcome.fill !== undefined }
}

/** Bounded by the call's own: a flight may go from one wait to another. */
function patience(flight: Flight, call: Call): number {
  return Math.min(patienceMs(flight), call.waitsUntil - now())
}

async function alone(call: Call): Promise<Answer> {
  const startedAt = now()
  const answer = owned(await computeAlone(call))
  tell(call, 'miss', startedAt)
  return answer
}

async function decoded(call: Call, stored: StoredValue): Promise<Answer> {
  return { isOwn: false, value: await decodeValue(stored, call.key, call.environment.codec) }
}

function tell({ environment, name }: Call, type: 'hit' | 'stale' | 'miss', startedAt: number): void {
  environment.emit?.({ type, operation: 'getOrSet', count: 1, durationMs: now() - startedAt, ...noCost() }, name)
}

function waited({ environment, name }: Call, startedAt: number, outcome: WaitEvent['outcome']): void {
  const durationMs = now() - startedAt
  environment.emit?.({ type: 'wait', operation: 'getOrSet', outcome, durationMs, ...noCost() }, name)
}

function toFunction(compute: unknown): (fill: Fill) => unknown {
  return typeof compute === 'function' ? (compute as (fill: Fill) => unknown) : () => compute
}

/** Rejects with the signal's reason as soon as it aborts; what is under way goes on for others. */
async function untilAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
