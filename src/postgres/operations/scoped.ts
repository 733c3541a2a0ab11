import type { SQL } from 'drizzle-orm'
import type { CacheTables } from '../../schema.ts'
import type { Scope } from '../../values/key.ts'
import { type Operation, operation, type Preparable, type QueryDatabase, type Repeatable } from '../database.ts'
import { inRange } from './fragments.ts'

/**
 * An operation on a whole scope, as two statements: one for everything, one for a range of keys.
 *
 * One statement for both would do, but a generic plan takes any range for a small one, and would read a whole table
 * through its key.
 */
export interface ScopedOperation<Row> {
  readonly everything: Operation<Row>
  readonly range: Operation<Row>
}

export function scopedOperation<Row>(
  repeatable: Repeatable,
  build: (db: QueryDatabase, tables: CacheTables, range: SQL | undefined) => Preparable<Row>,
): ScopedOperation<Row> {
  return {
    everything: operation(repeatable, (db, tables) => build(db, tables, undefined)),
    range: operation(repeatable, (db, tables) => build(db, tables, inRange(tables.entries))),
  }
}

/** The statement for a scope. */
export function forScope<Row>(operations: ScopedOperation<Row>, scope: Scope): Operation<Row> {
  return scope.prefix === '' ? operations.everything : operations.range
}
