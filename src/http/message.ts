/**
 * The fields of HTTP messages that the policy reads. A `Request` and a `Response` fit these types. Bodies are never
 * read.
 */

/** Immutable: its directives are parsed once per object. A request with other fields needs a new object. */
export interface RequestHead {
  readonly method: string
  readonly headers: Headers
}

export interface ResponseHead {
  readonly status: number
  readonly headers: Headers
}

/**
 * A response with the instants that determine its age (RFC 9111 4.2.3), in epoch milliseconds.
 *
 * A stored response has this form too: its status, the result of `fieldsToStore`, and these instants. `[...headers]`
 * serializes the fields and `new Headers(pairs)` reads them back, including several Set-Cookie lines.
 *
 * Immutable: its fields are parsed once per object. A response with other fields or instants needs a new object.
 */
export interface TimedResponse extends ResponseHead {
  /** When the request for this response was sent. After a validation, when the validating request was sent. */
  readonly requestAt: number
  readonly responseAt: number
  /** When a soft purge, or a HEAD that contradicts the response (4.3.5), ended its freshness early. */
  readonly staleSince?: number | undefined
}
