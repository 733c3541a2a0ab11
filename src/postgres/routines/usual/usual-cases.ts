/** Usual cases of operations, for which routines have cheaper statements. */
import { type Build, type Operation, withCells } from '../../operation.ts'

export interface UsualCases {
  readonly operation: Operation<never>
  readonly builds: readonly Operation<never>['build'][]
}

/**
 * Declares cheaper statements with the columns of an operation. The routine tries them in order, and the first that
 * returns a row is the answer. Each statement has its own snapshot, so its answer must be right without the others.
 */
export function usualCases<Row>(operation: Operation<Row>, ...builds: Build<Row>[]): UsualCases {
  return {
    operation: operation as unknown as Operation<never>,
    builds: builds.map((build) => withCells(operation, build)),
  }
}
