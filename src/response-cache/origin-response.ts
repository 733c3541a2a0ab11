/** The response of the origin (the handler behind the cache), and how it reaches the client. */
import {
  type CacheStatus,
  comparableOf,
  conditionOf,
  type ForwardReason,
  forwardedFields,
  isNotModified,
  isServerError,
  notModifiedFields,
  type TimedResponse,
} from '../http/index.ts'
import { cancelBody } from './bodies.ts'
import { annotate, buildResponse, canCopy } from './client-response.ts'
import { type Exchange, emitEvent, storeNow } from './exchange.ts'
import { ownFields } from './front-fields.ts'
import { markLeaseHeld } from './lease.ts'
import { removeMark } from './refresh-mark.ts'
import type { StoredResponse } from './stored-response.ts'

/** The handler's response with the instants of its request. */
export interface OriginResponse {
  readonly response: Response
  /** Its own fields, which may be stored. Middleware in front may change those of the response itself. */
  readonly timed: TimedResponse
  /** The error that the framework made the response of. */
  readonly error: unknown
}

/** The handler failed: it threw, or its response is a server error. */
export interface OriginFailure {
  readonly response: Response | undefined
  readonly error: unknown
}

export interface Outcome {
  /** Undefined if the handler threw, and the framework made no response of the error. */
  readonly origin: OriginResponse | undefined
  readonly failure: OriginFailure | undefined
  /** The error to throw if there is no response. */
  readonly error: unknown
}

/** Runs the handler with the stored response's validators in place of the client's conditions. */
export async function fetchFromOrigin(x: Exchange, stored: StoredResponse | undefined): Promise<Outcome> {
  const request = forwardedRequest(x.request, stored)
  markLeaseHeld(x, request)
  return runHandler(x, request)
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
  const hasFailed = result.hasFailed ?? isServerError(response.status)
  return { origin: { response, timed, error }, failure: hasFailed ? { response, error } : undefined, error }
}

/** Returns the client's request itself if it has neither conditions nor a mark. */
function forwardedRequest(request: Request, stored: StoredResponse | undefined): Request {
  const headers = forwardedFields(request.headers, stored?.timed)
  // With nothing to validate, the handler may answer the range itself.
  if (stored === undefined) for (const name of ['range', 'if-range']) copyField(request.headers, headers, name)
  removeMark(headers)
  return hasSameFields(request.headers, headers) ? request : copyRequest(request, headers)
}

/** Frameworks extend `Request`, and their handlers expect the subclass. */
function copyRequest(request: Request, headers: Headers): Request {
  const RequestClass = request.constructor
  if (RequestClass === Request) return new Request(request, { headers })
  try {
    const copy: unknown = Reflect.construct(RequestClass, [request, { headers }])
    if (copy instanceof Request && copy.url === request.url && hasSameFields(copy.headers, headers)) return copy
  } catch {}
  return new Request(request, { headers })
}

/**
 * Answers the client from the handler's response, whose body nobody else reads.
 *
 * The client's condition, which the handler never saw, may make it a 304.
 */
export function respondUnstored(
  x: Exchange,
  { response, timed }: OriginResponse,
  status: CacheStatus & { fwd: ForwardReason },
): Response {
  emitEvent(x, 'miss')
  const notModified = canCopy(response) ? applyCondition(x, response, timed) : undefined
  if (notModified === undefined) return annotate(x, response, status)
  cancelBody(response)
  return buildResponse(x, notModified, { ...status, fwdStatus: response.status })
}

/**
 * Evaluates the client's condition. Returns the parts of a 304 if the client has the response already.
 *
 * Without Last-Modified, If-Modified-Since never matches (RFC 9110 13.1.3). Only a stored response is compared by its Date.
 */
export function applyCondition(x: Exchange, response: Response, timed: TimedResponse) {
  // Without its Range, a request answered with 206 would get a 200, and conditions precede ranges (RFC 9110 13.2.2).
  const isEvaluated = response.status === 200 || response.status === 206
  const condition = isEvaluated ? conditionOf(x.head, timed.responseAt) : undefined
  if (condition === undefined || !isNotModified(condition, comparableOf(timed))) return undefined
  if (condition.kind === 'modified-since' && !response.headers.has('last-modified')) return undefined
  return { status: 304, headers: notModifiedFields(response.headers), body: null }
}

function copyField(from: Headers, to: Headers, name: string): void {
  const value = from.get(name)
  if (value !== null) to.set(name, value)
}

function hasSameFields(a: Headers, b: Headers): boolean {
  const [first, second] = [[...a], [...b]]
  return (
    first.length === second.length &&
    first.every(([name, value], i) => name === second[i]?.[0] && value === second[i]?.[1])
  )
}
