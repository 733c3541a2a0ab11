/** Runs the handler for a request whose response is not stored. */
import { type CacheStatus, type ForwardReason, freshenByHead } from '../http/index.ts'
import { annotate } from './client-response.ts'
import { type Exchange, emitEvent, emitFailure, runInBackground } from './exchange.ts'
import type { HandlerCall } from './handler-call.ts'
import type { ResponseCacheSettings } from './options.ts'
import { type OriginResponse, runHandler } from './origin-response.ts'
import { staleIfError } from './stale-if-error.ts'
import type { StoredResponse } from './verdict.ts'

/** Runs the handler without reading or writing the cache. */
export async function bypass(
  call: HandlerCall,
  settings: ResponseCacheSettings,
  status: CacheStatus,
): Promise<Response> {
  const { response } = await call.pass()
  return annotate({ settings }, response, status)
}

/** Runs the handler with the client's own conditions. If it fails, the client may get the stored response. */
export async function forward(
  x: Exchange,
  stored: StoredResponse | undefined,
  status: CacheStatus & { fwd: ForwardReason },
): Promise<Response> {
  const { origin, failure, error } = await runHandler(x, x.request)
  if (x.head.method === 'HEAD' && origin !== undefined && stored !== undefined) {
    await invalidateOnMismatch(x, stored, origin)
  }
  const stale = failure && (await staleIfError(x, stored, failure, status.fwd))
  if (stale !== undefined) return stale
  emitEvent(x, 'miss')
  if (origin === undefined) throw error
  return annotate(x, origin.response, status)
}

/** Makes the stored response stale if the handler's response to a HEAD contradicts it (RFC 9111 4.3.5). */
async function invalidateOnMismatch(x: Exchange, stored: StoredResponse, { timed }: OriginResponse): Promise<void> {
  const { key, entry } = stored
  if (freshenByHead(x.head, stored.timed, entry.meta.bytes, timed, x.settings.policy) !== 'stale') return
  const work = x.store.purge({ keys: [key], soft: true }).catch((error: unknown) => emitFailure(x, error))
  await runInBackground(
    x,
    work.then(() => {}),
  )
}
