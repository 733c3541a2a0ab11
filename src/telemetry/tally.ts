/** Sums of events over a span of time, without keys and values. */
import type { CacheEvent } from '../values/events.ts'

/** The sums, named like the columns of the history. */
export const SUMS = [
  'hits',
  'misses',
  'stale',
  'writes',
  'deletes',
  'invalidations',
  'fills',
  'fillMs',
  'cleanups',
  'removed',
  'errors',
  'allowed',
  'refused',
] as const

export type Tally = Record<(typeof SUMS)[number] | 'slowestFillMs', number>

export function emptyTally(): Tally {
  return {
    hits: 0,
    misses: 0,
    stale: 0,
    writes: 0,
    deletes: 0,
    invalidations: 0,
    fills: 0,
    fillMs: 0,
    cleanups: 0,
    removed: 0,
    errors: 0,
    allowed: 0,
    refused: 0,
    slowestFillMs: 0,
  }
}

const COLUMN_OF = {
  hit: 'hits',
  miss: 'misses',
  stale: 'stale',
  write: 'writes',
  touch: 'writes',
  delete: 'deletes',
  invalidate: 'invalidations',
} as const satisfies Partial<Record<CacheEvent['type'], keyof Tally>>

/** Adds an event to the tally. */
export function addEvent(tally: Tally, event: CacheEvent): void {
  switch (event.type) {
    case 'fill':
    case 'refuse':
      tally.fills++
      // Never subtract: the clock may have been set back.
      tally.fillMs += Math.max(0, event.computeMs)
      tally.slowestFillMs = Math.max(tally.slowestFillMs, event.computeMs)
      return
    case 'cleanup':
      tally.cleanups++
      tally.removed += event.count
      return
    case 'error':
      tally.errors++
      return
    case 'wait':
      return
    default:
      if ('allowed' in event) tally[event.allowed === true ? 'allowed' : 'refused']++
      tally[COLUMN_OF[event.type]] += event.count
  }
}
