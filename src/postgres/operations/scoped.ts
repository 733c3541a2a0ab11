import type { SQL } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import type { Scope } from '../../values/key.ts'
import type { Preparable, QueryDatabase } from '../database.ts'
import { type Answer, type Definition, type Operation, operation } from '../operation.ts'
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
  readonly build: (db: QueryDatabase, tables: CacheTables, answer: Answer<Row>, range: SQL | undefined) => Preparable
}

export function scopedOperation<Row>({ build, ...declared }: ScopedDefinition<Row>): ScopedOperation<Row> {
  return {
    everything: operation({ ...declared, build: (db, tables, answer) => build(db, tables, answer, undefined) }),
    range: operation({
      ...declared,
      name: `${declared.name}_in_range`,
      build: (db, tables, answer) => build(db, tables, answer, inRange(tables.entries)),
    }),
  }
}

/** Returns the statement for a scope. */
export function forScope<Row>(operations: ScopedOperation<Row>, scope: Scope): Operation<Row> {
  return scope.prefix === '' ? operations.everything : operations.range
}
