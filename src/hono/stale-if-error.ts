/** stale-if-error: the stored response answers if the handler fails. */
import { type ForwardReason, isServerError, mayServeOnError } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { cancelBody } from './bodies.ts'
import { type Exchange, storeNow } from './exchange.ts'
import { matchesVary, policyFor, serve, timedOf } from './serve.ts'

/** Statuses from here on are server errors. */
const SERVER_ERRORS = 500

/** Returns the stored response if the handler failed and the policy allows it (RFC 5861 4). */
export async function staleIfError(
  x: Exchange,
  answer: ResponseAnswer | undefined,
  fwd: ForwardReason,
): Promise<Response | undefined> {
  const { res } = x.c
  if (answer?.entry === undefined || !hasFailed(x.c) || !matchesVary(x, answer)) return undefined
  const { entry } = answer
  const stored = timedOf(entry.meta)
  const now = storeNow(x)
  if (!mayServeOnError(x.head, stored, now, policyFor(x, entry, stored, now))) return undefined
  const stale = await serve(x, entry, { fwd, fwdStatus: res.status, detail: 'stale-if-error' })
  if (stale !== undefined) cancelBody(res)
  return stale
}

/**
 * True if the handler failed. A thrown HTTPException below 500 is an answer: Hono uses it for 404, 401 and redirects. Every
 * other thrown error is a failure, whatever response the application's `onError` makes of it.
 */
function hasFailed({ error, res }: Exchange['c']): boolean {
  if (error === undefined) return isServerError(res.status)
  return res.status >= SERVER_ERRORS || typeof Reflect.get(error, 'getResponse') !== 'function'
}
