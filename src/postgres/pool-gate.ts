/**
 * Statements that wait for a connection of a pool, and their end if none comes free in time.
 *
 * A pool sends a statement as soon as it has a connection, even after its caller gave up. A write that timed out would
 * then take effect much later. This takes it back, so the caller can be told that nothing was sent.
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
  /** `queued` while it waits for a connection; a repetition that waits leaves it `sent`. `unknown`: no pool was asked. */
  state: 'unknown' | 'queued' | 'sent'
  /** Set by a caller that waits no longer. */
  isAbandoned: boolean
}

export interface PoolGate {
  /** The same database, whose statements pass the gate. */
  readonly db: Database
  /** Sends a statement by this passage. It must ask the pool for a connection before it first waits. */
  pass<T>(passage: Passage, send: () => T): T
}

/** True if every connection of a pool is in use, and it makes no more. Other clients do not tell. */
export function isExhausted(client: unknown): boolean {
  return isPool(client) && client.idleCount === 0 && client.totalCount >= (client.options.max ?? 10)
}

/** Undefined for a database over anything but such a pool. */
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
  // Derived, because the caller's own pool and database must stay as they are.
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
