/**
 * Answers a request from a stored response: the whole body, a range (RFC 9110 14), the head, or a 304.
 *
 * A request for several ranges gets the whole body, as RFC 9110 14.2 allows.
 */
import { comparableOf, conditionOf, isNotModified, notModifiedFields } from './conditional.ts'
import { parseHttpDate, trimBlanks } from './fields.ts'
import { ageValue } from './freshness.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { NO_CONTENT, NOT_MODIFIED, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE } from './statuses.ts'
import { entityTagOf, isStrongLastModified, lastModifiedOf, parseEntityTag, strongMatch } from './validators.ts'

/** The positions of the first and the last byte, both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** A range of a body whose length is not known yet. Without a last position, the range extends to the end. */
export type RequestedRange = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number }

export type RangeSelection = ByteRange | 'whole' | 'unsatisfiable'

// Range units are case-insensitive (RFC 9110 14.1).
const SINGLE = /^bytes=(\d*)-(\d*)$/i

/**
 * Returns the part of the body that a Range field selects. A malformed field, another unit, or several ranges select
 * the whole.
 *
 * @param length the length of the body in bytes
 */
export function selectRange(value: string | null, length: number): RangeSelection {
  const range = parseRange(value)
  if (range === undefined) return 'whole'
  if ('suffix' in range) return suffix(range.suffix, length)
  const { first, last = Number.POSITIVE_INFINITY } = range
  return first < length ? { first, last: Math.min(last, length - 1) } : 'unsatisfiable'
}

function parseRange(value: string | null): RequestedRange | undefined {
  const [, from = '', to = ''] = SINGLE.exec(trimBlanks(value ?? '')) ?? []
  if (from === '') return to === '' ? undefined : { suffix: Number(to) }
  const [first, last] = [Number(from), to === '' ? undefined : Number(to)]
  // A last position before the first is invalid, not unsatisfiable (RFC 9110 14.1.1).
  return last !== undefined && last < first ? undefined : { first, last }
}

/**
 * Returns the part of the body that a request needs, before its stored response is known. Returns undefined if the
 * request may need the whole body: the outcome of If-Range depends on the response.
 */
export function requestedRange({ method, headers }: RequestHead): RequestedRange | undefined {
  return method !== 'GET' || headers.has('if-range') ? undefined : parseRange(headers.get('range'))
}

/** True if Range asks for one range of bytes, so that the answer can be a 206 with a single part. */
export function isSingleRange(headers: Headers): boolean {
  return parseRange(headers.get('range')) !== undefined
}

/** Returns the range that answers the request. Ranges apply only to GET and status 200 (RFC 9110 14.2). */
export function rangeFor(request: RequestHead, stored: TimedResponse, length: number): RangeSelection {
  if (request.method !== 'GET' || stored.status !== 200 || !ifRangeHolds(request, stored)) return 'whole'
  return selectRange(request.headers.get('range'), length)
}

/** Returns the value of Content-Range (RFC 9110 14.4). */
export function contentRange(range: ByteRange | 'unsatisfiable', length: number): string {
  return range === 'unsatisfiable' ? `bytes */${length}` : `bytes ${range.first}-${range.last}/${length}`
}

/**
 * True if the request has no If-Range, or if its condition holds. An entity tag must match strongly. A date must equal
 * Last-Modified, and that must be a strong validator (RFC 9110 13.1.5).
 */
export function ifRangeHolds(request: RequestHead, stored: TimedResponse): boolean {
  const value = request.headers.get('if-range')
  if (value === null) return true
  const tag = parseEntityTag(value)
  if (tag) return strongMatch(tag, entityTagOf(stored))
  const date = parseHttpDate(value, stored.responseAt)
  return date !== undefined && date === lastModifiedOf(stored) && isStrongLastModified(stored)
}

/**
 * Selects the last bytes. Zero bytes are unsatisfiable. A suffix of an empty body selects the whole, because
 * Content-Range has no form for an empty range.
 */
function suffix(bytes: number, length: number): RangeSelection {
  if (bytes === 0) return 'unsatisfiable'
  return length === 0 ? 'whole' : { first: Math.max(0, length - bytes), last: length - 1 }
}

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
  /**
   * Whether the handler validated the response for this request. Then the answer has no Age, because Age implies that
   * the origin did not validate it (RFC 9111 5.1).
   */
  readonly validated?: boolean
  /**
   * Whether the stored bytes are in the coding that Content-Encoding names; default true. False if the runtime decoded
   * them, as `fetch` does in workerd.
   */
  readonly encoded?: boolean
  /**
   * With `encoded: false`: whether the runtime encodes the body again, as Content-Encoding says. Default false: the
   * answer has the decoded body and no Content-Encoding.
   */
  readonly keepEncoding?: boolean
}

/** Statuses whose responses have neither content nor Content-Length (RFC 9110 8.6). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205])

/** Digests of the content of one message. A part has different content (RFC 9530 2; RFC 1864 2). */
const CONTENT_DIGESTS = ['content-digest', 'content-md5']

/** The fields that describe encoded bytes. `digest` and `repr-digest` cover the encoded representation (RFC 9530 3). */
const OF_ENCODED_BYTES = [...CONTENT_DIGESTS, 'content-length', 'digest', 'repr-digest']

/**
 * Answers the request. Evaluates conditions before ranges (RFC 9110 13.2.2). Copies the stored fields and never changes
 * them.
 */
export function answer(request: RequestHead, stored: TimedResponse, options: AnswerOptions): Answer {
  const { now, bodyBytes, validated = false, encoded = true, keepEncoding = false } = options
  const isDecoded = !encoded && stored.headers.has('content-encoding')
  const headers = isDecoded ? decodedFields(stored.headers, keepEncoding) : measuredFields(stored, bodyBytes)
  if (!validated) headers.set('age', ageValue(stored, now))
  const condition = stored.status === 200 ? conditionOf(request, now) : undefined
  if (condition && isNotModified(condition, comparableOf(stored))) {
    return { status: NOT_MODIFIED, headers: notModifiedFields(headers), body: 'none' }
  }
  if (request.method === 'HEAD') return answerHead(stored.status, headers, isDecoded ? undefined : bodyBytes)
  // Ranges count the bytes of the encoded representation, which are unknown (RFC 9110 14.1.2).
  const range = isDecoded ? 'whole' : rangeFor(request, stored, bodyBytes)
  if (range === 'whole') return { status: stored.status, headers, body: 'whole' }
  return range === 'unsatisfiable' ? refuseRange(headers, bodyBytes) : answerRange(headers, range, bodyBytes)
}

/**
 * Copies the fields. Content-Length becomes the length of the stored body, because a wrong length breaks the
 * connection.
 */
function measuredFields({ status, headers }: TimedResponse, bodyBytes: number): Headers {
  const copy = new Headers(headers)
  if (status === NO_CONTENT) copy.delete('content-length')
  else if (copy.has('content-length')) copy.set('content-length', String(bodyBytes))
  return copy
}

/**
 * Copies the fields for a body that the runtime decoded. The entity tag becomes weak, because it identified the
 * original bytes. It also becomes weak if the runtime encodes the body again, because another encoder produces other
 * bytes.
 */
function decodedFields(headers: Headers, keepEncoding: boolean): Headers {
  const copy = new Headers(headers)
  for (const name of OF_ENCODED_BYTES) copy.delete(name)
  if (!keepEncoding) copy.delete('content-encoding')
  const tag = parseEntityTag(copy.get('etag'))
  if (tag !== undefined) copy.set('etag', `W/"${tag.opaque}"`)
  return copy
}

/** A HEAD gets the fields that a GET would get, including the length if it is known (RFC 9110 9.3.2). */
function answerHead(status: number, headers: Headers, bodyBytes: number | undefined): Answer {
  if (bodyBytes !== undefined && !WITHOUT_CONTENT.has(status)) headers.set('content-length', String(bodyBytes))
  return { status, headers, body: 'none' }
}

/** Answers with a 206 (RFC 9110 15.3.7). */
function answerRange(headers: Headers, range: ByteRange, bodyBytes: number): Answer {
  for (const name of CONTENT_DIGESTS) headers.delete(name)
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
