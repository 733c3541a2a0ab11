/** Fetches the response of the origin (the handler behind the cache), and passes an unstored response to the client. */
import {
  type CacheStatus,
  type ForwardReason,
  forwardedFields,
  forwardPart,
  hasFailed,
  isHeldByClient,
  notModifiedFields,
  type TimedResponse,
} from '../http/index.ts'
import { cancelBody } from './bodies.ts'
import { annotate, buildResponse, canCopy, copyWith } from './client-response.ts'
import { copyRequest, hasSameFields } from './copy-request.ts'
import { type Exchange, markLeaseHeld, storeNow } from './exchange.ts'
import { ownFields } from './front-fields.ts'
import { emitMiss, type Leader } from './lease.ts'
import { removeMark } from './refresh-mark.ts'
import type { StoredResponse } from './verdict.ts'

/** The handler's response with the instants of its request. */
export interface OriginResponse {
  readonly response: Response
  /** The handler's own fields, which may be stored. `response` may also have fields that middleware in front set. */
  readonly timed: TimedResponse
  /** The error that the framework turned into the response. */
  readonly error: unknown
}

/** Describes a failure of the handler: it threw, or its response is a server error. */
export interface OriginFailure {
  readonly response: Response | undefined
  readonly error: unknown
}

export interface Outcome {
  /** Undefined if the handler threw, and the framework did not turn the error into a response. */
  readonly origin: OriginResponse | undefined
  readonly failure: OriginFailure | undefined
  /** The error to throw if there is no response. */
  readonly error: unknown
}

/** Runs the handler with the stored response's validators in place of the client's conditions. */
export async function fetchFromOrigin(x: Exchange, stored: StoredResponse | undefined): Promise<Outcome> {
  const request = forwardedRequest(x.request, stored)
  const unmark = markLeaseHeld(x, request)
  try {
    return await runHandler(x, request)
  } finally {
    unmark()
  }
}

/** Runs the handler with this request. */
export async function runHandler(x: Exchange, request: Request): Promise<Outcome> {
  const requestAt = storeNow(x)
  const result = await x.call.run(request)
  const { response, error } = result
  if (response === undefined) {
    return { origin: undefined, failure: result.hasFailed ? { response, error } : undefined, error }
  }
  const headers = ownFields(response.headers, x.front, x.settings.policy)
  const timed = { status: response.status, headers, requestAt, responseAt: storeNow(x) }
  const failure = hasFailed(response.status, error) ? { response, error } : undefined
  return { origin: { response, timed, error }, failure, error }
}

/** Returns the client's request itself if it has neither conditions nor a mark. */
function forwardedRequest(request: Request, stored: StoredResponse | undefined): Request {
  const headers = stored?.part
    ? forwardPart(request, stored.part).headers
    : forwardedFields(request.headers, stored?.timed)
  // If nothing is stored, the handler may answer the range itself.
  if (stored === undefined) for (const name of ['range', 'if-range']) copyField(request.headers, headers, name)
  removeMark(headers)
  return hasSameFields(request.headers, headers) ? request : copyRequest(request, { headers })
}

/**
 * Answers the client with the handler's response, which is not stored.
 *
 * The answer is a 304 if the client's own condition says so. The handler never saw that condition.
 */
export function respondUnstored(
  leader: Leader,
  origin: OriginResponse,
  status: CacheStatus & { fwd: ForwardReason },
): Response {
  const { x, isRefresh = false } = leader
  const { response } = origin
  emitMiss(leader)
  if (isRefresh) {
    // Nobody needs the body, and it may never end.
    const copy = canCopy(response) ? copyWith(response, null) : new Response(null)
    cancelBody(response)
    return annotate(x, copy, status)
  }
  const notModified = canCopy(response) ? notModifiedParts(x, origin) : undefined
  if (notModified === undefined) return annotate(x, response, status)
  cancelBody(response)
  return buildResponse(x, notModified, { ...status, fwdStatus: response.status })
}

/** Returns the parts of a 304 if the client already has the response. */
export function notModifiedParts(x: Exchange, { response, timed }: OriginResponse) {
  if (!isHeldByClient(x.head, timed)) return undefined
  return { status: 304, headers: notModifiedFields(response.headers), body: null }
}

function copyField(from: Headers, to: Headers, name: string): void {
  const value = from.get(name)
  if (value !== null) to.set(name, value)
}
