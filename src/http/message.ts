/**
 * The parts of HTTP messages that the policy looks at. A `Request` and a `Response` fit; bodies are never touched.
 */

export interface RequestHead {
  readonly method: string
  readonly headers: Headers
}

export interface ResponseHead {
  readonly status: number
  readonly headers: Headers
}

/**
 * A response with the instants that its age is reckoned from (RFC 9111 4.2.3), in epoch milliseconds.
 *
 * This is also what a stored response is: its status, the fields that `fieldsToStore` kept, and these instants. `[...headers]`
 * is the serialisable form of the fields, and `new Headers(pairs)` reads it back, several Set-Cookie lines included.
 */
export interface TimedResponse extends ResponseHead {
  /** When the request was sent that brought it; after a validation, when that was sent. */
  readonly requestAt: number
  readonly responseAt: number
  /** Set where something ended its freshness before its time: a soft purge, a HEAD that contradicts it (4.3.5). */
  readonly staleSince?: number | undefined
}
