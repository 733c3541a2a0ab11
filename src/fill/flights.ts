/**
 * The calls of one process that are under way, by key.
 *
 * Others await the promises of the call that does the work, never one that it resolves for them: workerd kills a request
 * that waits for another request's resolver, and allows this. None of these promises rejects.
 */

import type { Fill } from '../cache.ts'
import type { ClaimAnswer } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import type { StoredValue } from '../values/codec.ts'
import type { Computation } from './nesting.ts'
import { isSameRead, type Plan } from './options.ts'

/** The share of the timeout after which a follower asks by itself: the leader's request may have been cancelled. */
export const READ_PATIENCE = 0.5

/** What the first read of a flight answered. */
export type Reading = { readonly answer: ClaimAnswer } | { readonly error: unknown }

/** How a flight ended. */
export type Outcome =
  /**
   * `own` is the leader's value, decoded from `stored`; each of the others decodes one of its own. `fill` is there if the
   * leader computed it.
   */
  | { readonly kind: 'value'; readonly stored: StoredValue; readonly own: unknown; readonly fill?: Fill }
  /** A value that is for the leader only. */
  | { readonly kind: 'unshared'; readonly own: unknown; readonly fill: Fill }
  /** `by` tells whose failure it was: the store's is everybody's, a computation's only its caller's. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly by: 'store' | 'computation' }

export interface Flight {
  readonly key: string
  readonly plan: Plan
  readonly computation: Computation
  /** Until when others wait for it; it moves on while the flight shows that it lives. */
  awaitedUntil: number
  readonly reading: Promise<Reading>
  readonly work: Promise<Outcome>
  /** The same once more, for all whose patience ended: launched by the first of them. */
  rescue?: Flight
}

export function createFlights() {
  /** Not asked yet: who calls now shares whatever comes. */
  const gathering = new Map<string, Flight>()
  /** Found nothing to answer with, and is computing or waiting: who calls now is woken by its end, and reads again. */
  const working = new Map<string, Flight>()
  const drop = (flights: Map<string, Flight>, flight: Flight) => {
    if (flights.get(flight.key) === flight) flights.delete(flight.key)
  }
  /** The oldest come first. Those of cancelled requests never end, and nobody may ever ask for their keys again. */
  const forgetCancelled = () => {
    for (const [key, flight] of working) {
      if (patienceMs(flight) > 0) return
      working.delete(key)
    }
  }

  return {
    /** The flight that a call can share. */
    joinable(key: string, plan: Plan): Flight | undefined {
      const flight = gathering.get(key)
      return flight !== undefined && isSameRead(flight.plan, plan) ? flight : undefined
    },
    /** The flight whose end a call can wait for; not where the call takes stale values and the flight does not. */
    atWork(key: string, plan: Plan): Flight | undefined {
      const flight = working.get(key)
      if (flight === undefined || (plan.staleMs !== 0 && flight.plan.staleMs === 0)) return undefined
      if (patienceMs(flight) > 0) return flight
      // Hung, or its request was cancelled: its lease has run out as well.
      working.delete(key)
      return undefined
    },
    gather: (flight: Flight) => gathering.set(flight.key, flight),
    sent: (flight: Flight) => drop(gathering, flight),
    /** For as long as its lease lasts, or until it looks again. Who computes goes before who waits for that. */
    toWork(flight: Flight, awaitedUntil: number, isComputing = false): void {
      flight.awaitedUntil = awaitedUntil
      forgetCancelled()
      if (isComputing || !working.has(flight.key)) working.set(flight.key, flight)
    },
    /** Nobody shares or awaits it from now on. */
    forget(flight: Flight): void {
      drop(gathering, flight)
      drop(working, flight)
    },
    /** A write of the keys, or of everything: what is under way for them will not be stored, so nobody need wait for it. */
    detach(keys: readonly string[] | 'all'): void {
      if (keys === 'all') working.clear()
      else for (const key of keys) working.delete(key)
    },
  }
}

export type Flights = ReturnType<typeof createFlights>

/** How long others wait for a flight: as long as its lease keeps them from computing, or until it should look again. */
export function patienceMs(flight: Flight): number {
  return flight.awaitedUntil - now()
}
