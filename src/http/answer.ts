/** Answers a request from a stored response: the whole body, a range, the head, or a 304. */
import { ageValue } from './age.ts'
import { comparableOf, conditionOf, isNotModified, notModifiedFields } from './conditional.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { type ByteRange, contentRange, rangeFor } from './range.ts'
import { NOT_MODIFIED, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE } from './statuses.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: ByteRange | 'whole' | 'none'
}

export interface AnswerOptions {
  /** Epoch milliseconds. */
  readonly now: number
  /** The length of the stored body. */
  readonly bodyBytes: number
  /** Whether the handler validated the response for this request. Then it gets no Age, which would deny that (RFC 9111 5.1). */
  readonly validated?: boolean
  /** Whether the stored bytes are encoded as Content-Encoding says; default true. */
  readonly encoded?: boolean
  /** Whether the runtime encodes a body that is not encoded; default false. */
  readonly keepEncoding?: boolean
}

/** Statuses whose responses have neither content nor Content-Length (RFC 9110 8.6). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205])

/** Evaluates conditions before ranges (RFC 9110 13.2.2). Copies the stored fields and never changes them. */
export function answer(request: RequestHead, stored: TimedResponse, options: AnswerOptions): Answer {
  const { now, bodyBytes, validated = false } = options
  const headers = new Headers(stored.headers)
  if (!validated) headers.set('age', ageValue(stored, now))
  const condition = stored.status === 200 ? conditionOf(request, now) : undefined
  if (condition && isNotModified(condition, comparableOf(stored))) {
    return { status: NOT_MODIFIED, headers: notModifiedFields(headers), body: 'none' }
  }
  if (request.method === 'HEAD') return answerHead(stored.status, headers, bodyBytes)
  const range = rangeFor(request, stored, bodyBytes)
  if (range === 'whole') return { status: stored.status, headers, body: 'whole' }
  return range === 'unsatisfiable' ? refuseRange(headers, bodyBytes) : answerRange(headers, range, bodyBytes)
}

/** A HEAD gets the fields that a GET would get, including the length (RFC 9110 9.3.2). */
function answerHead(status: number, headers: Headers, bodyBytes: number): Answer {
  if (!WITHOUT_CONTENT.has(status)) headers.set('content-length', String(bodyBytes))
  return { status, headers, body: 'none' }
}

/** RFC 9110 15.3.7. */
function answerRange(headers: Headers, range: ByteRange, bodyBytes: number): Answer {
  headers.set('content-range', contentRange(range, bodyBytes))
  headers.set('content-length', String(range.last - range.first + 1))
  return { status: PARTIAL_CONTENT, headers, body: range }
}

/** A 416 is not a representation of the resource, so it omits the fields that describe one (RFC 9110 15.5.17). */
function refuseRange(stored: Headers, bodyBytes: number): Answer {
  const headers = notModifiedFields(stored)
  for (const name of ['cache-control', 'content-location', 'etag', 'expires', 'last-modified']) headers.delete(name)
  headers.set('content-range', contentRange('unsatisfiable', bodyBytes))
  return { status: RANGE_NOT_SATISFIABLE, headers, body: 'none' }
}
