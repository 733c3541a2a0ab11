/**
 * Takes back statements that wait too long for a connection of a pool.
 *
 * A pool sends a statement as soon as it has a connection, even after its caller gave up. Then a write that timed out would
 * take effect much later. The gate drops it, so that the error can say that nothing was sent.
 */
import type { Database } from '../database.ts'
import type { Call } from './driver.ts'

/** `Pool` of pg and neon-serverless, as far as it is used here. */
interface Pool {
  connect(callback?: Connected): unknown
  readonly waitingCount: number
  readonly idleCount: number
  readonly totalCount: number
  readonly options: { readonly max?: number }
}
type Connected = (error: unknown, connection?: { release(): void }, release?: unknown) => void

export interface PoolGate {
  /** The same database, whose statements pass the gate. */
  readonly db: Database
  /** Sends a statement for this call. `send` must ask the pool for a connection before its first await. */
  pass<T>(call: Call, send: () => T): T
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
  let current: Call | undefined
  const connect = (callback?: Connected): unknown => {
    const call = current
    if (call === undefined || callback === undefined) return pool.connect(callback)
    if (call.state === 'unknown') call.state = 'queued'
    return pool.connect((error, connection, release) => {
      if (call.isAbandoned && connection !== undefined) {
        connection.release()
        return callback(new Error('The caller waits no longer.'))
      }
      if (connection !== undefined) call.state = 'sent'
      callback(error, connection, release)
    })
  }
  // Derived objects, because the caller's own pool and database must not change.
  const client = Object.create(pool, { connect: { value: connect } })
  const own = Object.create(session as object, { client: { value: client } })
  return {
    db: Object.create(db, { session: { value: own } }),
    pass(call, send) {
      current = call
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
