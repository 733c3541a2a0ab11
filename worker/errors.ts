/** The errors of routes, and the response for each. */

/** The request is wrong. The message says what was expected. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError'
}

/** The requested thing does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError'
}

/** The data is unavailable now. A retry may succeed. */
export class DataUnavailableError extends Error {
  override readonly name = 'DataUnavailableError'
}

/** Long enough for a compute to wake up or restart. */
export const RETRY_AFTER_SECONDS = 5

/** An error as JSON. An unknown error becomes a 500 that shows nothing. */
export function errorResponse(error: unknown): Response {
  if (error instanceof BadRequestError) return json(400, error.message)
  if (error instanceof NotFoundError) return json(404, error.message)
  if (error instanceof DataUnavailableError) {
    return json(503, error.message, { 'retry-after': String(RETRY_AFTER_SECONDS) })
  }
  // Log the name only, because a driver's message may hold parameters.
  console.error(JSON.stringify({ event: 'error', name: error instanceof Error ? error.name : typeof error }))
  return json(500, 'Something went wrong here.')
}

function json(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
