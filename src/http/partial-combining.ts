/**
 * Combines parts of a representation (RFC 9111 3.4, RFC 9110 15.3.7.3). Parts that cover all bytes become a complete
 * 200.
 */
import type { Bytes } from '../values/bytes.ts'
import { mergeFields } from './freshening.ts'
import type { TimedResponse } from './message.ts'
import { type Parts, type Piece, storedLength, uniteParts } from './partial-ranges.ts'
import { partFields, type StoredPart, withStatusOf } from './partial-storing.ts'
import type { Policy } from './policy.ts'
import { PARTIAL_CONTENT } from './statuses.ts'
import { fieldsToStore } from './stored-fields.ts'
import { shareStrongValidator } from './validators.ts'

/**
 * The most separate ranges of one part. Without a limit, a client that asks for scattered bytes could make the list
 * grow.
 */
export const MAX_PART_RANGES = 32

export interface CombinedPart extends StoredPart {
  /**
   * Has status 206 while bytes are missing. Otherwise it is a complete 200, which is stored and served like any other.
   */
  readonly response: TimedResponse
  /** The sources of the combined bytes, in order. */
  readonly pieces: readonly Piece[]
}

/**
 * Combines a stored part with the part that a response brought. Returns undefined if they must not be combined:
 *
 * - They do not share a strong validator, so their bytes may belong to different representations.
 * - They contradict each other about the complete length or the content coding.
 * - They have more than `MAX_PART_RANGES` ranges together.
 *
 * The new response updates the stored fields and sets the instants: "a cache MUST update the stored response header
 * fields using the header fields provided in the new response" (RFC 9111 3.4).
 *
 * @param received the new 206, or a 200 whose content ended early: its response as received, and the bytes that arrived
 */
export function combineParts(stored: StoredPart, received: StoredPart, policy: Policy): CombinedPart | undefined {
  if (!shareStrongValidator(stored.response, received.response)) return undefined
  if (stored.parts.completeLength !== received.parts.completeLength) return undefined
  if (codingOf(stored.response) !== codingOf(received.response)) return undefined
  const { parts, pieces } = uniteParts(stored.parts, received.parts)
  if (parts.ranges.length > MAX_PART_RANGES) return undefined
  return { response: combinedResponse(stored.response, received.response, parts, policy), parts, pieces }
}

/** Returns the combined bytes, or undefined if a source is shorter than its parts. */
export function joinPieces(
  { pieces, parts }: CombinedPart,
  stored: Uint8Array,
  received: Uint8Array,
): Bytes | undefined {
  const joined = new Uint8Array(storedLength(parts))
  let at = 0
  for (const { from, range } of pieces) {
    const source = from === 'stored' ? stored : received
    if (range.last >= source.length) return undefined
    joined.set(source.subarray(range.first, range.last + 1), at)
    at += range.last - range.first + 1
  }
  return joined
}

function combinedResponse(stored: TimedResponse, received: TimedResponse, parts: Parts, policy: Policy): TimedResponse {
  const { requestAt, responseAt } = received
  const update = { ...received, headers: partFields(received, policy) }
  const headers = mergeFields(stored.headers, update, policy)
  const merged = { status: PARTIAL_CONTENT, headers, requestAt, responseAt }
  // Apply the storing rules again: the new response may name fields that must no longer be stored.
  return withStatusOf(parts, { ...merged, headers: fieldsToStore(merged, policy) })
}

function codingOf({ headers }: TimedResponse): string {
  return (headers.get('content-encoding') ?? '').toLowerCase()
}
