/**
 * Decides whether a part of a representation may be stored (RFC 9111 3.3): a 206, or a 200 whose content ended early.
 */
import { isSingleRange } from './answer.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { byteCount, isWhole, type Parts, parseContentRange } from './partial-ranges.ts'
import type { Policy } from './policy.ts'
import { PARTIAL_CONTENT } from './statuses.ts'
import { fieldsToStore } from './stored-fields.ts'
import { decide, HAS_NO_CONTENT, IS_GET, RULES, type Rule, type StoreRefusal } from './storing.ts'
import { hasStrongValidator } from './validators.ts'

/** A stored part of a representation. While its status is 206, only `answerPart` may answer from it, never `answer`. */
export interface StoredPart {
  readonly response: TimedResponse
  readonly parts: Parts
}

export type PartDecision =
  | {
      readonly store: true
      /**
       * Whether the part may be stored by itself. A 206 to a request with If-Range may omit fields that the client
       * already has (RFC 9110 15.3.7). It may only extend a stored part that has those fields (`combineParts`).
       */
      readonly alone: boolean
    }
  | { readonly store: false; readonly reason: StoreRefusal }

/** The fields that describe the content of one message only. For a stored part they are computed for each answer. */
const OF_ONE_MESSAGE = ['content-digest', 'content-length', 'content-md5', 'content-range']

const PART_RULES: readonly Rule[] = [
  ['status', ({ response: { status } }) => status !== PARTIAL_CONTENT && status !== 200],
  // A part belongs to a 200, so the user who excludes 200 excludes its parts.
  ['status', ({ policy }) => policy.statuses?.has(200) === false],
  // A 206 with several ranges is multipart/byteranges, which this cache does not parse.
  ['ranges', ({ request, response }) => response.status === PARTIAL_CONTENT && !isSingleRange(request.headers)],
  ['multipart', ({ response }) => isMultipart(response.headers)],
  ['content-range', ({ response }) => announcedRange(response) === undefined],
  // RFC 9111 3.4: only parts with the same strong validator may be combined.
  ['validator', ({ response }) => !hasStrongValidator(response)],
]

/** Decides whether a shared cache may store this part. `receivedPart` says which bytes it has. */
export function mayStorePart(request: RequestHead, response: TimedResponse, policy: Policy): PartDecision {
  const decision = decide([IS_GET, HAS_NO_CONTENT, ...PART_RULES, ...RULES], request, response, policy)
  const alone = response.status === 200 || !request.headers.has('if-range')
  return decision.store ? { store: true, alone } : decision
}

/**
 * Returns which bytes of the representation arrived, or undefined if they cannot be stored as a part. If a 206 or 200
 * broke off, the bytes that arrived before that are a part too (RFC 9111 3.3).
 *
 * @param bytes how many bytes arrived
 * @param ended whether the stream ended by itself, not by an error or an abort
 * @param options.encoded whether the bytes are in the coding that Content-Encoding names; false if the runtime decoded
 *   them. Positions count encoded bytes, so decoded bytes cannot be a part.
 */
export function receivedPart(
  response: TimedResponse,
  bytes: number,
  ended: boolean,
  { encoded = true } = {},
): Parts | undefined {
  const announced = announcedRange(response)
  if (announced === undefined || (!encoded && response.headers.has('content-encoding'))) return undefined
  const { first, last, completeLength } = announced
  const expected = last - first + 1
  // If a body ends by itself with another length, it contradicts its fields. The positions of its bytes are then
  // unknown.
  const hasKnownPositions = ended ? bytes === expected : 0 < bytes && bytes <= expected
  return hasKnownPositions ? { ranges: [[first, first + bytes - 1]], completeLength } : undefined
}

/** Returns the fields to store with a part. */
export function partFields(response: TimedResponse, policy: Policy): Headers {
  const stored = fieldsToStore(response, policy)
  for (const name of OF_ONE_MESSAGE) stored.delete(name)
  return stored
}

/** Returns the part to store. If one response brought all bytes, the result is a complete 200. */
export function partToStore(response: TimedResponse, parts: Parts, policy: Policy): StoredPart {
  return { response: withStatusOf(parts, { ...response, headers: partFields(response, policy) }), parts }
}

/**
 * Returns the response with the status that fits its parts. If bytes are missing, the status is 206, even if the
 * response came with 200, because it must never answer for the whole. If none are missing, it is 200, even if it came
 * with 206 (RFC 9110 15.3.7.3).
 */
export function withStatusOf(parts: Parts, response: TimedResponse): TimedResponse {
  if (!isWhole(parts)) return { ...response, status: PARTIAL_CONTENT }
  const headers = new Headers(response.headers)
  headers.set('content-length', String(parts.completeLength))
  return { ...response, status: 200, headers }
}

/**
 * Returns the range that the response says it carries, with the complete length. Returns undefined if the response does
 * not say, or contradicts itself. A cache must not combine that response (RFC 9110 14.4).
 */
function announcedRange({ status, headers }: TimedResponse): Announced | undefined {
  const length = headers.get('content-length')
  const bytes = length === null ? undefined : byteCount(length)
  if (status !== PARTIAL_CONTENT) {
    return bytes === undefined || bytes === 0 || headers.has('content-range')
      ? undefined
      : { first: 0, last: bytes - 1, completeLength: bytes }
  }
  const range = parseContentRange(headers.get('content-range'))
  if (range?.completeLength === undefined) return undefined
  if (length !== null && bytes !== range.last - range.first + 1) return undefined
  return { ...range, completeLength: range.completeLength }
}

interface Announced {
  readonly first: number
  readonly last: number
  readonly completeLength: number
}

function isMultipart(headers: Headers): boolean {
  return /^\s*multipart\/byteranges\b/i.test(headers.get('content-type') ?? '')
}
