import type { Sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import type { Scope } from '../../values/key.ts'
import { type Definition, type Operation, operation, type Query } from '../operation.ts'
import { inRange } from './fragments.ts'

/**
 * An operation on a whole scope, as two statements: one for everything, one for a range of keys.
 *
 * Rejected: one statement for both. A generic plan assumes that every range is small, and would read a whole table
 * through the index on its key.
 */
export interface ScopedOperation<Row> {
  readonly everything: Operation<Row>
  readonly range: Operation<Row>
}

interface ScopedDefinition<Row> extends Omit<Definition<Row>, 'build'> {
  /** @param range a condition on the entries. Undefined means all of them. */
  readonly build: (tables: TableNames, range: Sql | undefined) => Query<NoInfer<Row>>
}

export function scopedOperation<Row>({ build, ...declared }: ScopedDefinition<Row>): ScopedOperation<Row> {
  return {
    everything: operation({ ...declared, build: (tables) => build(tables, undefined) }),
    range: operation({
      ...declared,
      name: `${declared.name}_in_range`,
      build: (tables) => build(tables, inRange(tables.entries)),
    }),
  }
}

/** Returns the statement for a scope. */
export function forScope<Row>(operations: ScopedOperation<Row>, scope: Scope): Operation<Row> {
  return scope.prefix === '' ? operations.everything : operations.range
}
