/** Whether a response can be copied with changed header fields. */

/** The lowest and the highest status that `new Response` accepts. */
const FIRST_STATUS = 200
const LAST_STATUS = 599

/**
 * True if `new Response(response.body, response)` loses nothing.
 *
 * It throws for a protocol switch (101), a network error (0), and a body that was read already. It would drop the socket of
 * workerd's responses, and hide the mark of `@hono/node-server` that the response was written directly.
 */
export function canCopy(response: Response): boolean {
  const { status, headers, body, bodyUsed } = response
  if (status < FIRST_STATUS || status > LAST_STATUS || bodyUsed || body?.locked === true) return false
  return !headers.has('x-hono-already-sent') && !Reflect.get(response, 'webSocket')
}
