/** The response that a stored one gives to a request: whole, a part of it, its head, or that nothing changed. */
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

export interface AnswerContext {
  /** Epoch milliseconds. */
  readonly now: number
  /** The length of the stored body. */
  readonly bodyBytes: number
  /** Whether the handler validated it for this very request: then no Age may deny that (RFC 9111 5.1). */
  readonly validated?: boolean
}

/** Statuses whose responses have no content, and no length of it (RFC 9110 8.6). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205])

/** Conditions come before ranges (RFC 9110 13.2.2). The stored fields are copied, never changed. */
export function answer(request: RequestHead, stored: TimedResponse, context: AnswerContext): Answer {
  const headers = new Headers(stored.headers)
  if (!context.validated) headers.set('age', ageValue(stored, context.now))
  const condition = stored.status === 200 ? conditionOf(request, context.now) : undefined
  if (condition && isNotModified(condition, comparableOf(stored))) {
    return { status: NOT_MODIFIED, headers: notModifiedFields(headers), body: 'none' }
  }
  if (request.method === 'HEAD') return headOnly(stored.status, headers, context.bodyBytes)
  const range = rangeFor(request, stored, context.bodyBytes)
  if (range === 'whole') return { status: stored.status, headers, body: 'whole' }
  return range === 'unsatisfiable' ? unsatisfiable(headers, context.bodyBytes) : part(headers, range, context.bodyBytes)
}

/** RFC 9110 9.3.2: the fields that a GET would have, the length included where it is known. */
function headOnly(status: number, headers: Headers, bodyBytes: number): Answer {
  if (!WITHOUT_CONTENT.has(status)) headers.set('content-length', String(bodyBytes))
  return { status, headers, body: 'none' }
}

/** RFC 9110 15.3.7. */
function part(headers: Headers, range: ByteRange, bodyBytes: number): Answer {
  headers.set('content-range', contentRange(range, bodyBytes))
  headers.set('content-length', String(range.last - range.first + 1))
  return { status: PARTIAL_CONTENT, headers, body: range }
}

/** RFC 9110 15.5.17. It is no representation of the resource, so what describes that does not belong to it. */
function unsatisfiable(stored: Headers, bodyBytes: number): Answer {
  const headers = notModifiedFields(stored)
  for (const name of ['cache-control', 'content-location', 'etag', 'expires', 'last-modified']) headers.delete(name)
  headers.set('content-range', contentRange('unsatisfiable', bodyBytes))
  return { status: RANGE_NOT_SATISFIABLE, headers, body: 'none' }
}
