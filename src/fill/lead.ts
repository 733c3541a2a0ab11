/** A call that asks the store: it answers with what is there, computes what is not, or waits for who does. */

import type { ClaimAnswer } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import { decodeValue } from '../values/codec.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { type Cost, noCost, type OperationEvent } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { randomUUID } from '../values/random.ts'
import { computeAlone, computeAndFill, inBackground, tellFailure } from './compute.ts'
import type { Call } from './environment.ts'
import { type Flight, type Flights, type Outcome, READ_PATIENCE, type Reading } from './flights.ts'
import { startComputation, whileWaitingFor, wouldDeadlock } from './nesting.ts'
import { earlyFactor } from './pauses.ts'
import { startWait } from './wait.ts'

/** What a leader carries along. */
interface Lead {
  readonly call: Call
  readonly token: string
  readonly flight: Flight
  readonly flights: Flights
  readonly startedAt: number
  /** Of the reads so far. */
  readonly cost: Cost
}

/** An entry's value, as one of the caller's own. */
interface Readable {
  readonly outcome: Outcome & { kind: 'value' }
  readonly state: 'live' | 'stale'
  /** When it has become too old for the caller. */
  readonly servableUntil: number
}

/** Launches a flight that others may join until the end of this microtask turn. */
export function launch(call: Call, flights: Flights): Flight {
  const token = randomUUID()
  const cost = noCost()
  const ask = async (): Promise<Reading> => {
    await null
    flights.sent(flight)
    return read(call, token, cost, call.force)
  }
  const reading = ask()
  const work = async (): Promise<Outcome> => {
    const first = await reading
    try {
      return await conclude({ call, token, flight, flights, startedAt, cost }, first)
    } catch (error) {
      return { kind: 'failed', error, by: 'store' }
    } finally {
      flights.forget(flight)
    }
  }
  const startedAt = now()
  const flight: Flight = {
    key: call.key,
    plan: call.plan,
    computation: startComputation(call),
    awaitedUntil: startedAt + call.plan.leaseMs,
    reading,
    work: work(),
  }
  // Who asks for the entry as it is neither shares a refresh nor waits for it.
  if (!call.force) flights.gather(flight)
  // A claim whose caller leaves before it is answered would keep all others waiting: what comes of it is seen to its end.
  if (call.environment.waitUntil !== undefined) void inBackground(call, reading)
  return flight
}

async function read(call: Call, token: string, cost: Cost, force: boolean): Promise<Reading> {
  const { key, plan, environment, store } = call
  const early = plan.beta === 0 ? 0 : earlyFactor(plan.beta, environment.random())
  const { leaseMs, staleMs, sliding } = plan
  try {
    return { answer: await store.readOrClaim({ key, token, leaseMs, staleMs, early, force, sliding }, cost) }
  } catch (error) {
    return { error }
  }
}

/** Reads until there is an answer. @throws what the store throws, where that is the caller's */
async function conclude(lead: Lead, first: Reading): Promise<Outcome> {
  const { call, token, cost } = lead
  let reading = first
  let wait: Wait | undefined
  for (;;) {
    if ('error' in reading) return withoutStore(lead, reading.error)
    let { answer } = reading
    let readable = answer.entry && (await readEntry(call, answer.entry))
    if (answer.entry !== undefined && readable === undefined && !answer.claimed) {
      // It cannot be decoded: computed anew, like one that is not there.
      const forced = await read(call, token, cost, true)
      if ('error' in forced) return withoutStore(lead, forced.error)
      answer = forced.answer
      readable = answer.entry && (await readEntry(call, answer.entry))
    }
    if (answer.claimed === true) {
      wait?.tell('took over')
      // A refresh is answered with what it computes only.
      return takeLead(lead, call.force ? undefined : readable)
    }
    if (readable !== undefined && !call.force) {
      wait?.tell('filled')
      tell(lead, readable.state === 'live' ? 'hit' : 'stale')
      return readable.outcome
    }
    if (answer.claimed === 'unavailable') return leadUnshared(lead)
    wait ??= startTellingWait(lead)
    if (!(await wait.pause(answer))) {
      wait.tell('gave up')
      return leadAlone(lead)
    }
    reading = await read(call, token, cost, call.force)
  }
}

async function takeLead(lead: Lead, old: Readable | undefined): Promise<Outcome> {
  const { call, token, flight, flights } = lead
  if (old === undefined) {
    if (!call.force) flights.toWork(flight, now() + call.plan.leaseMs, true)
    tell(lead, 'miss')
    const filled = computeAndFill(call, token, flight.computation)
    // The caller may leave before it is done; others are waiting.
    if (call.environment.waitUntil !== undefined) void inBackground(call, filled)
    return filled
  }
  const refreshed = computeAndFill(call, token, flight.computation)
  if (call.environment.waitUntil !== undefined) {
    tell(lead, old.state === 'live' ? 'hit' : 'stale')
    void inBackground(call, refreshed)
    return old.outcome
  }
  const outcome = await refreshed
  if (outcome.kind !== 'failed' || now() >= old.servableUntil) {
    tell(lead, 'miss')
    return outcome
  }
  tell(lead, old.state === 'live' ? 'hit' : 'stale')
  return old.outcome
}

async function withoutStore(lead: Lead, error: unknown): Promise<Outcome> {
  const { call, startedAt, cost } = lead
  // Neither is a failure of the store that a computation could make up for.
  if (isFrameworkSignal(error) || error instanceof InvalidOptionError) return { kind: 'failed', error, by: 'store' }
  tellFailure(call, error, startedAt, cost)
  // Told once.
  Object.assign(cost, noCost())
  if (call.environment.onError === 'throw') return { kind: 'failed', error, by: 'store' }
  return leadAlone(lead)
}

/** Where no lease is to be had (in a transaction, or in a store that keeps nothing), nobody shares the value or waits for it. */
async function leadUnshared(lead: Lead): Promise<Outcome> {
  tell(lead, 'miss')
  const outcome = await computeAlone(lead.call)
  if (outcome.kind !== 'value' || outcome.fill === undefined) return outcome
  return { kind: 'unshared', own: outcome.own, fill: outcome.fill }
}

function leadAlone(lead: Lead): Promise<Outcome> {
  if (!lead.call.force) lead.flights.toWork(lead.flight, lead.flight.awaitedUntil)
  tell(lead, 'miss')
  return computeAlone(lead.call)
}

async function readEntry(call: Call, entry: NonNullable<ClaimAnswer['entry']>): Promise<Readable | undefined> {
  const startedAt = now()
  const { value, number, state, servableMs = Number.POSITIVE_INFINITY } = entry
  const stored = { value, number }
  try {
    const own = await decodeValue(stored, call.key, call.environment.codec)
    return { outcome: { kind: 'value', stored, own }, state, servableUntil: startedAt + servableMs }
  } catch (error) {
    tellFailure(call, error, startedAt)
    return undefined
  }
}

type Wait = ReturnType<typeof startTellingWait>

function startTellingWait({ call, flight, flights, cost }: Lead) {
  const { plan, environment } = call
  const startedAt = now()
  const before = { ...cost }
  const wait = startWait(plan.leaseMs, environment.random, call.hasWaitedInVain)
  return {
    /** False: waited long enough. */
    async pause({ heldMs }: ClaimAnswer): Promise<boolean> {
      const working = flights.atWork(call.key, plan)
      // One of this process may be computing it: its end is worth a look, unless it needs the computation that asks.
      const other = working === flight ? undefined : working
      if (wouldDeadlock(call.inside, other?.computation)) return false
      const pausing = wait.pause(heldMs, other?.work)
      // One that does not look again then was cancelled with its request, and keeps nobody waiting.
      if (!call.force) flights.toWork(flight, wait.pausedUntil + environment.timeoutMs * READ_PATIENCE)
      return other === undefined ? pausing : whileWaitingFor(other.computation, call.inside, () => pausing)
    },
    tell(outcome: 'filled' | 'took over' | 'gave up'): void {
      environment.emit?.(
        {
          type: 'wait',
          operation: 'getOrSet',
          outcome,
          durationMs: now() - startedAt,
          roundTrips: cost.roundTrips - before.roundTrips,
          bytes: cost.bytes - before.bytes,
        },
        call.name,
      )
      // What follows tells the first read only.
      Object.assign(cost, before)
    },
  }
}

function tell({ call, startedAt, cost }: Lead, type: OperationEvent['type']): void {
  const durationMs = now() - startedAt
  call.environment.emit?.({ type, operation: 'getOrSet', count: 1, durationMs, ...cost }, call.name)
}
