/** What of an event may be told to others as labels: words of a small vocabulary, never a key or a value. */
import { CacheError, DatabaseError } from '../values/errors.ts'
import type { CacheEvent } from '../values/events.ts'

export interface Facts {
  /** Of a wait how it ended, of a value that was not stored why, of an error that it opened the circuit. */
  readonly outcome?: string | undefined
  /** A code of pgstash's errors, or OTHER_ERROR. */
  readonly errorType?: string | undefined
  /** Postgres's code, where the database refused a statement. */
  readonly sqlState?: string | undefined
}

/** OpenTelemetry's word for errors that the library does not define: here what computations throw, whatever it holds. */
const OTHER_ERROR = '_OTHER'

export function factsOf(event: CacheEvent): Facts {
  switch (event.type) {
    case 'wait':
      return { outcome: event.outcome.replace(' ', '_') }
    case 'fill':
    case 'refuse':
      return { outcome: event.reason }
    case 'error':
      return {
        outcome: event.circuit === undefined ? undefined : `circuit_${event.circuit}`,
        errorType: event.error instanceof CacheError ? event.error.code : OTHER_ERROR,
        sqlState: event.error instanceof DatabaseError ? event.error.sqlState : undefined,
      }
    default:
      return {}
  }
}
