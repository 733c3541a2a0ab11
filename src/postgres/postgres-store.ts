/** The store on the cache's tables. */
import { type Circuit, createCircuit } from '../cache/circuit.ts'
import { engineOf, type ScopedEngine } from '../cache/engine.ts'
import type { TableNames } from '../schema/table-names.ts'
import type { Store } from '../store/store.ts'
import type { Scope } from '../values/key.ts'
import type { Capacity } from './capacity.ts'
import { cleanUp } from './cleanup.ts'
import { fills } from './fills.ts'
import { listings } from './listings.ts'
import { reads } from './reads.ts'
import { removals } from './removals.ts'
import type { Runner } from './runner.ts'
import { createSession, type Session } from './session.ts'
import { createWriteRefusals, type WriteRefusals } from './write-refusals.ts'
import { writes } from './writes.ts'

/** A store on Postgres, with the parts that the admin pages, responses and the query cache need. */
export interface PostgresStore extends Store {
  readonly runner: Runner
  readonly session: Session
  readonly refusals: WriteRefusals
  readonly tables: TableNames
  /** For responses, which always fail soft. */
  readonly responseCircuit: Circuit
}

/** The bound for the entries of one scope. Scopes nested in it have no separate bound. */
export interface ScopeCapacity {
  readonly scope: Scope
  readonly capacity: Capacity
}

export function postgresStore(runner: Runner, tables: TableNames, bound: ScopeCapacity | undefined): PostgresStore {
  const session = createSession(runner)
  const refusals = createWriteRefusals(runner.isInTransaction)
  const capacityOf = ({ prefix }: Scope) => (bound?.scope.prefix === prefix ? bound.capacity : undefined)
  return {
    isLocal: false,
    tellsChanges: true,
    isInTransaction: runner.isInTransaction,
    runner,
    session,
    refusals,
    tables,
    responseCircuit: createCircuit(),
    ...reads(session, refusals),
    ...writes(session),
    ...removals(session),
    sweep: (scope, input) => session((run) => cleanUp(run, scope, input, capacityOf(scope))),
    ...listings(session),
    ...fills(session, refusals),
  }
}

/** The engine of a cache on Postgres. */
export interface PostgresEngine extends ScopedEngine {
  readonly store: PostgresStore
}

/** Returns the engine over the Postgres store of a cache, below any first tier; undefined if there is none. */
export function postgresEngineOf(cache: unknown): PostgresEngine | undefined {
  const engine = engineOf(cache)
  if (engine === undefined) return undefined
  let store: Store | undefined = engine.store
  while (store !== undefined && !('runner' in store)) store = store.source
  if (store === undefined) return undefined
  return store === engine.store ? (engine as PostgresEngine) : { ...engine, store: store as PostgresStore }
}
