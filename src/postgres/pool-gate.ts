/**
 * Takes back statements that wait too long for a connection of a pool.
 *
 * A pool sends a statement as soon as it has a connection, even after its caller gave up. Then a write that timed out would
 * take effect much later. The gate drops it, so that the error can say that nothing was sent.
 */
import type { Database } from './database.ts'

/** `Pool` of pg and neon-serverless, as far as it is used here. */
interface Pool {
  connect(callback?: Connected): unknown
  readonly waitingCount: number
  readonly idleCount: number
  readonly totalCount: number
  readonly options: { readonly max?: number }
}
type Connected = (error: unknown, connection?: { release(): void }, release?: unknown) => void

/** One statement's way through the pool. */
export interface Passage {
  /** `queued` while it waits for a connection. A retry that waits leaves it `sent`. `unknown` if no pool was asked. */
  state: 'unknown' | 'queued' | 'sent'
  /** True once the caller gave up. */
  isAbandoned: boolean
}

export interface PoolGate {
  /** The same database, whose statements pass the gate. */
  readonly db: Database
  /** Sends a statement under this passage. `send` must ask the pool for a connection before its first await. */
  pass<T>(passage: Passage, send: () => T): T
}

/** True if every connection of a pool is in use and it opens no more. False for clients that are no such pool. */
export function isExhausted(client: unknown): boolean {
  return isPool(client) && client.idleCount === 0 && client.totalCount >= (client.options.max ?? 10)
}

/** Undefined if the database is not over such a pool. */
export function poolGate(db: Database): PoolGate | undefined {
  const pool: unknown = Reflect.get(db, '$client')
  const session: unknown = Reflect.get(db, 'session')
  if (!isPool(pool) || Reflect.get(Object(session), 'client') !== pool) return undefined
  let current: Passage | undefined
  const connect = (callback?: Connected): unknown => {
    const passage = current
    if (passage === undefined || callback === undefined) return pool.connect(callback)
    if (passage.state === 'unknown') passage.state = 'queued'
    return pool.connect((error, connection, release) => {
      if (passage.isAbandoned && connection !== undefined) {
        connection.release()
        return callback(new Error('The caller waits no longer.'))
      }
      if (connection !== undefined) passage.state = 'sent'
      callback(error, connection, release)
    })
  }
  // Derived objects, because the caller's own pool and database must not change.
  const client = Object.create(pool, { connect: { value: connect } })
  const own = Object.create(session as object, { client: { value: client } })
  return {
    db: Object.create(db, { session: { value: own } }),
    pass(passage, send) {
      current = passage
      try {
        return send()
      } finally {
        current = undefined
      }
    },
  }
}

function isPool(client: unknown): client is Pool {
  const { connect, waitingCount, idleCount, totalCount, options } = Object(client)
  return (
    typeof connect === 'function' &&
    [waitingCount, idleCount, totalCount].every((count) => typeof count === 'number') &&
    typeof options === 'object'
  )
}
