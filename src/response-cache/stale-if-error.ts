/** Implements stale-if-error: if the handler fails, the client gets the stored response. */
import { type ForwardReason, mayServeOnError } from '../http/index.ts'
import { cancelBody } from './bodies.ts'
import { type Exchange, emitEvent, storeNow } from './exchange.ts'
import type { OriginFailure } from './origin-response.ts'
import { serve } from './serve.ts'
import type { StoredResponse } from './verdict.ts'

/** The status to report for a network error, and for a thrown error that no framework turned into a response. */
const THROWN = 500

/** Returns the stored response if the policy allows it in place of the failure (RFC 5861 4). */
export async function staleIfError(
  x: Exchange,
  stored: StoredResponse | undefined,
  { response }: OriginFailure,
  fwd: ForwardReason,
): Promise<Response | undefined> {
  if (stored === undefined || !stored.isSelected) return undefined
  if (!mayServeOnError(x.head, stored.timed, storeNow(x), stored.policy)) return undefined
  const status = { fwd, fwdStatus: response?.status || THROWN, detail: 'stale-if-error' }
  const stale = await serve(x, stored, status)
  if (stale === undefined) return undefined
  if (response !== undefined) cancelBody(response)
  emitEvent(x, 'stale')
  return stale
}
