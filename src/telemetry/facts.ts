/** The labels of an event for telemetry: words of a small vocabulary, never a key or a value. */
import { CacheError, DatabaseError } from '../values/errors.ts'
import type { CacheEvent } from '../values/events.ts'

export interface Facts {
  /**
   * How a wait ended, why a value was not stored, how an error changed the circuit, or whether a limit allowed a call.
   */
  readonly outcome?: string | undefined
  /** The code of a pgstash error, or OTHER_ERROR. */
  readonly errorType?: string | undefined
  /** Postgres's code, if the database refused a statement. */
  readonly sqlState?: string | undefined
}

/** OpenTelemetry's label for errors that a library does not define. All errors of computations get it. */
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
      if (!('allowed' in event)) return {}
      return { outcome: event.allowed === true ? 'allowed' : 'refused' }
  }
}
