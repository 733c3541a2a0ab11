/**
 * Counts the requests that a local Neon endpoint serves, and breaks them on demand.
 *
 * It imports nothing from Node, so that it also works in a test inside an edge runtime. The endpoint of `pgstash/dev`
 * imports only these types.
 */

import { InvalidOptionError } from '../values/errors.ts'
import { seededRandom } from '../values/seeded-random.ts'

/** A fault to apply to one request. Only `delay`, `lose` and `truncate` execute its statements. */
export type Fault =
  /** Wait before executing. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Answer with this status and do not execute. An object as `body` is sent as JSON. */
  | { readonly kind: 'error'; readonly status: number; readonly body?: unknown }
  /** Never answer and do not execute. */
  | { readonly kind: 'hang' }
  /** Cut the connection and do not execute. */
  | { readonly kind: 'reset' }
  /** Execute, then cut the connection. The client cannot know that the statements ran. */
  | { readonly kind: 'lose' }
  /** Execute, announce the length of the whole response, and cut the connection after this many bytes. */
  | { readonly kind: 'truncate'; readonly bytes: number }

/** One authorized, well-formed request, as an interceptor sees it. */
export interface InterceptedRequest {
  /** The statements in order: one, or all statements of a batch. */
  readonly sql: readonly string[]
  /** The size of the request's body, in bytes. */
  readonly bytes: number
  /** Aborts when the client disconnects or the server closes. */
  readonly signal: AbortSignal
}

/** How a request ended. */
export interface InterceptedResponse {
  /** The same object that `onRequest` got. */
  readonly request: InterceptedRequest
  /** How many bytes of the body were sent; 0 without a response. */
  readonly bytes: number
  /** The HTTP status; 0 without a response. */
  readonly status: number
  /** How long the request took, in milliseconds. */
  readonly durationMs: number
}

/** Hooks around each request of a local Neon endpoint. */
export interface Interceptor {
  /** Called before execution. The returned fault is applied. */
  onRequest?(request: InterceptedRequest): Fault | undefined | Promise<Fault | undefined>
  /** Called once for each request that `onRequest` got, even if the request failed. */
  onResponse?(response: InterceptedResponse): void
}

/** One finished request in `Faults.log`. */
export interface FaultLogEntry {
  /** The statements of the request, in order. */
  readonly sql: readonly string[]
  /** The size of the request's body, in bytes. */
  readonly bytesIn: number
  /** How many bytes of the response's body were sent; 0 without a response. */
  readonly bytesOut: number
  /** The HTTP status; 0 without a response. */
  readonly status: number
}

/** A fault, and the share of requests to which `random` applies it: 0.05 is one request in twenty. */
export interface FaultRate {
  /** The fault to apply. */
  readonly fault: Fault
  /** The share of requests, from 0 to 1. */
  readonly rate: number
}

/** An interceptor that counts requests and applies planned, constant or random faults. */
export interface Faults extends Interceptor {
  /** Counts a request, and returns its fault: the next of the queue, otherwise the constant or random fault. */
  onRequest(request: InterceptedRequest): Fault | undefined
  /** Adds a finished request to the log. */
  onResponse(response: InterceptedResponse): void
  /** The requests since the start or the last `reset()`. */
  readonly requests: number
  /** The statements of these requests. */
  readonly statements: number
  /** The bytes of their bodies. */
  readonly bytesIn: number
  /** The bytes of the bodies of their responses. */
  readonly bytesOut: number
  /** The finished requests, in the order in which they ended. The list grows until `reset()`. */
  readonly log: readonly FaultLogEntry[]
  /** Sets the counters to zero and empties the log. Faults stay. */
  reset(): void
  /** Applies this fault to the next request, or the next `times` requests. Calls queue up. */
  next(fault: Fault, times?: number): void
  /** Applies this fault to every request that gets no fault from `next`. */
  always(fault: Fault): void
  /**
   * Picks a fault per request with a seeded generator. The sum of the rates must be at most 1.
   *
   * @throws InvalidOptionError if a rate is below 0, or their sum is above 1
   */
  random(seed: number, rates: readonly FaultRate[]): void
  /** Removes every fault. Counters and log stay. */
  heal(): void
}

/**
 * Creates an interceptor for `startLocalNeon` that counts requests and injects faults.
 *
 * @example
 * const faults = createFaults()
 * const neon = await startLocalNeon({ intercept: faults })
 * faults.next({ kind: 'lose' })
 */
export function createFaults(): Faults {
  const counts = { requests: 0, statements: 0, bytesIn: 0, bytesOut: 0 }
  const log: FaultLogEntry[] = []
  const queue: Fault[] = []
  let defaultFault: () => Fault | undefined = () => undefined

  return {
    get requests() {
      return counts.requests
    },
    get statements() {
      return counts.statements
    },
    get bytesIn() {
      return counts.bytesIn
    },
    get bytesOut() {
      return counts.bytesOut
    },
    log,
    reset() {
      Object.assign(counts, { requests: 0, statements: 0, bytesIn: 0, bytesOut: 0 })
      log.length = 0
    },
    next(fault, times = 1) {
      for (let i = 0; i < times; i++) queue.push(fault)
    },
    always(fault) {
      defaultFault = () => fault
    },
    random(seed, rates) {
      defaultFault = randomFaults(seed, rates)
    },
    heal() {
      queue.length = 0
      defaultFault = () => undefined
    },
    onRequest(request) {
      counts.requests++
      counts.statements += request.sql.length
      counts.bytesIn += request.bytes
      return queue.shift() ?? defaultFault()
    },
    onResponse({ request, bytes, status }) {
      counts.bytesOut += bytes
      log.push({ sql: request.sql, bytesIn: request.bytes, bytesOut: bytes, status })
    },
  }
}

function randomFaults(seed: number, rates: readonly FaultRate[]): () => Fault | undefined {
  const total = rates.reduce((sum, { rate }) => sum + rate, 0)
  if (!(total <= 1) || rates.some(({ rate }) => !(rate >= 0))) {
    throw new InvalidOptionError('Expected rates from 0 to 1 that sum to at most 1.')
  }
  const random = seededRandom(seed)
  return () => {
    let left = random()
    for (const { fault, rate } of rates) {
      if (left < rate) return fault
      left -= rate
    }
    return undefined
  }
}
