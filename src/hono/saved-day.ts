/** stale-if-error: what is stored, where the handler fails. */
import { type ForwardReason, isServerError, mayServeOnError } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { type Exchange, storeNow } from './exchange.ts'
import { isSelected, policyFor, serve, timedOf } from './serve.ts'

/** From here on statuses are the server's own errors. */
const SERVER_ERRORS = 500

/** What is stored, in the place of an error of the handler's (RFC 5861 4). */
export async function savedDay(
  x: Exchange,
  answer: ResponseAnswer | undefined,
  fwd: ForwardReason,
): Promise<Response | undefined> {
  const { res } = x.c
  if (answer?.entry === undefined || !hasFailed(x.c) || !isSelected(x, answer)) return undefined
  const { entry } = answer
  const stored = timedOf(entry.meta)
  const now = storeNow(x)
  if (!mayServeOnError(x.head, stored, now, policyFor(x, entry, stored, now))) return undefined
  const saved = await serve(x, entry, { fwd, fwdStatus: res.status, detail: 'stale-if-error' })
  if (saved !== undefined) discard(res)
  return saved
}

/**
 * Whether there is no answer. What is thrown may be one: Hono's HTTPException says 404 or 401 that way, or redirects. Any
 * other error is none, whatever the application answers with in its place.
 */
function hasFailed({ error, res }: Exchange['c']): boolean {
  if (error === undefined) return isServerError(res.status)
  return res.status >= SERVER_ERRORS || typeof Reflect.get(error, 'getResponse') !== 'function'
}

/** Nobody reads it: without this, whoever makes it might wait for that. */
function discard({ body }: Response): void {
  body?.cancel().catch(() => {})
}
