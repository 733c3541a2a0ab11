/** Runs the statements of one store call, and adds up their cost. */
import type { Reply } from '../store/store.ts'
import { withCost } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import type { Operation } from './operation.ts'
import type { Runner } from './runner.ts'

/** Sends a statement and returns its rows. */
export type Run = <Row>(operation: Operation<Row>, values?: Record<string, unknown>) => Promise<Row[]>

/** Runs the statements of one store call. The reply or the error carries their total cost. */
export type Session = <T>(work: (run: Run) => Promise<T>) => Promise<Reply<T>>

export function createSession(runner: Runner): Session {
  return async (work) => {
    const cost = noCost()
    try {
      return { value: await work((operation, values) => runner.run(operation, values, cost)), cost }
    } catch (error) {
      throw withCost(error, cost)
    }
  }
}
