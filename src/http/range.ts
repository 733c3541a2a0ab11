/** Byte ranges of a stored body (RFC 9110 14). A request for several ranges gets the whole body, as 14.2 allows. */
import { parseEntityTag, strongMatch } from './entity-tag.ts'
import { trimBlanks } from './fields.ts'
import { parseHttpDate } from './http-date.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { entityTagOf, isStrongLastModified, lastModifiedOf } from './validators.ts'

/** The positions of the first and the last byte, both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** A range of a body whose length is not known yet. Without a last position it goes to the end. */
export type RequestedRange = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number }

export type RangeSelection = ByteRange | 'whole' | 'unsatisfiable'

// Range units are case-insensitive (RFC 9110 14.1).
const SINGLE = /^bytes=(\d*)-(\d*)$/i

/**
 * Returns the part of the body that a Range field selects. A malformed field, another unit, or several ranges select the whole.
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
 * Returns the part of the body that a request needs before its stored response is known, or undefined if it may need the
 * whole. If-Range depends on the response.
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

/** True without If-Range. An entity tag must match strongly. A date must be equal, and a strong validator (RFC 9110 13.1.5). */
export function ifRangeHolds(request: RequestHead, stored: TimedResponse): boolean {
  const value = request.headers.get('if-range')
  if (value === null) return true
  const tag = parseEntityTag(value)
  if (tag) return strongMatch(tag, entityTagOf(stored))
  const date = parseHttpDate(value, stored.responseAt)
  return date !== undefined && date === lastModifiedOf(stored) && isStrongLastModified(stored)
}

/**
 * Selects the last bytes. Zero bytes are unsatisfiable. A suffix of an empty body selects the whole, because Content-Range has
 * no form for an empty range.
 */
function suffix(bytes: number, length: number): RangeSelection {
  if (bytes === 0) return 'unsatisfiable'
  return length === 0 ? 'whole' : { first: Math.max(0, length - bytes), last: length - 1 }
}
