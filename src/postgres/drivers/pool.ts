/** Recognises the pools of pg, neon-serverless and Vercel. */

/** The part of `Pool` that we use. */
export interface Pool {
  connect(callback: Connected): unknown
  readonly waitingCount: number
  readonly idleCount: number
  readonly totalCount: number
  readonly options: { readonly max?: number }
}

/** A client that a pool lends. */
export interface Lent {
  /** @param isBroken removes the client from the pool, and closes its connection */
  release(isBroken?: unknown): void
}

type Connected = (error: unknown, client?: Lent) => void

/** True if every connection of a pool is in use and it opens no more. False for any client that is not a pool. */
export function isExhausted(client: unknown): boolean {
  return isPool(client) && client.idleCount === 0 && client.totalCount >= (client.options.max ?? 10)
}

export function isPool(client: unknown): client is Pool {
  const { connect, waitingCount, idleCount, totalCount, options } = Object(client)
  return (
    typeof connect === 'function' &&
    [waitingCount, idleCount, totalCount].every((count) => typeof count === 'number') &&
    typeof options === 'object'
  )
}
