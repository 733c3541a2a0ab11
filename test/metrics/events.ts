/** One event of each kind, with a key, an error's text and numbers that are all different. */
import { type CacheEvent, DatabaseError } from 'pgstash'

export const SECRET = 'secret:ada@example.com'

const base = { operation: 'getOrSet', key: SECRET, roundTrips: 0, bytes: 0 } as const

export const EVENTS = {
  hit: { ...base, type: 'hit', operation: 'getMany', count: 3, durationMs: 4, roundTrips: 1, bytes: 200 },
  miss: { ...base, type: 'miss', operation: 'getMany', count: 2, durationMs: 4 },
  stale: { ...base, type: 'stale', count: 1, durationMs: 6, roundTrips: 1, bytes: 50 },
  write: { ...base, type: 'write', operation: 'set', count: 1, durationMs: 7, roundTrips: 2, bytes: 60 },
  touch: { ...base, type: 'touch', operation: 'touch', count: 0, durationMs: 8, roundTrips: 1 },
  delete: { ...base, type: 'delete', operation: 'clear', count: 40, durationMs: 90, roundTrips: 1 },
  invalidate: { ...base, type: 'invalidate', operation: 'invalidate', count: 2, durationMs: 3, roundTrips: 1 },
  cleanup: { ...base, type: 'cleanup', operation: 'clearExpired', count: 500, durationMs: 1_500, roundTrips: 3 },
  fill: { ...base, type: 'fill', durationMs: 9, computeMs: 250, roundTrips: 1, bytes: 70 },
  refuse: { ...base, type: 'refuse', durationMs: 5, computeMs: 40, roundTrips: 1, bytes: 80, reason: 'overtaken' },
  wait: { ...base, type: 'wait', durationMs: 700, roundTrips: 4, outcome: 'took over' },
  error: {
    ...base,
    type: 'error',
    operation: 'get',
    durationMs: 5_000,
    roundTrips: 2,
    error: new DatabaseError(`no ${SECRET}`, { sqlState: '53300' }),
    circuit: 'opened',
  },
} as const satisfies { [Type in CacheEvent['type']]: CacheEvent & { type: Type } }

/** The error of a computation, whose name and code the user chooses. */
export const FOREIGN_ERROR = {
  ...EVENTS.error,
  circuit: undefined,
  error: Object.assign(new Error(SECRET), { name: SECRET, code: SECRET }),
} as unknown as CacheEvent
