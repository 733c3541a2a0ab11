/** Whether a response can be copied with changed header fields. */

/** The lowest and the highest status that `new Response` accepts. */
const FIRST_STATUS = 200
const LAST_STATUS = 599

/**
 * True if `new Response(response.body, response)` loses nothing.
 *
 * The constructor throws for a protocol switch (101), a network error (0), and a body that was read or is being read. The copy
 * would lack the socket of workerd's responses, and a response that `@hono/node-server` has written already has no other use.
 */
export function canCopy(response: Response): boolean {
  const { status, headers, body, bodyUsed } = response
  if (status < FIRST_STATUS || status > LAST_STATUS || bodyUsed || body?.locked === true) return false
  return !headers.has('x-hono-already-sent') && !Reflect.get(response, 'webSocket')
}
