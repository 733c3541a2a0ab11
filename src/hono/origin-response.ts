/** The response of the origin (the handler behind the cache), and how it reaches the client. */
import {
  type CacheStatus,
  comparableOf,
  conditionOf,
  type ForwardReason,
  isNotModified,
  notModifiedFields,
  type TimedResponse,
} from '../http/index.ts'
import { type Exchange, emitEvent, replaceResponse, withCacheStatus } from './exchange.ts'

/** The handler's response with the instants of its request, and the error if the handler threw. */
export interface OriginResponse {
  readonly response: Response
  readonly timed: TimedResponse
  readonly error: Error | undefined
}

/**
 * Evaluates the client's condition, which the handler never sees, and returns a 304 if the client has the response already.
 *
 * Without Last-Modified, If-Modified-Since never matches (RFC 9110 13.1.3). Only a stored response is compared by its Date.
 */
export function applyCondition(x: Exchange, { response, timed }: OriginResponse): Response {
  // Without its Range, a request answered with 206 would get a 200, and conditions precede ranges (RFC 9110 13.2.2).
  const isEvaluated = response.status === 200 || response.status === 206
  const condition = isEvaluated ? conditionOf(x.head, timed.responseAt) : undefined
  if (condition === undefined || !isNotModified(condition, comparableOf(timed))) return response
  if (condition.kind === 'modified-since' && !response.headers.has('last-modified')) return response
  return new Response(null, { status: 304, headers: notModifiedFields(response.headers) })
}

/** Adds Cache-Status to the client's response. It names the handler's status if that differs (`fwd-status`, RFC 9211 2.3). */
export function withForwardStatus(
  x: Exchange,
  { response }: OriginResponse,
  given: Response,
  status: CacheStatus & { fwd: ForwardReason },
): Response {
  return withCacheStatus(
    x,
    given,
    response.status === given.status ? status : { ...status, fwdStatus: response.status },
  )
}

/** Makes this the response to the client, and emits the event. */
export function respond(x: Exchange, response: Response, type: 'miss' | 'stale'): undefined {
  emitEvent(x, type)
  replaceResponse(x.c, response)
}
