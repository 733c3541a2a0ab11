/** Adds the bytes of a 206 to the stored response (RFC 9111 3.3 and 3.4). */
import {
  combineParts,
  joinPieces,
  PARTIAL_CONTENT,
  partToStore,
  receivedPart,
  type StoredPart,
  type TimedResponse,
} from '../http/index.ts'
import type { Leader } from './lease.ts'

export interface FilledPart {
  readonly response: TimedResponse
  readonly bytes: Uint8Array
  /** Undefined if no byte is missing. */
  readonly parts: StoredPart['parts'] | undefined
}

/**
 * Returns the response to store after a 206. It includes the stored bytes if both belong to one representation. Returns
 * undefined if the 206 cannot be stored.
 *
 * @param alone whether the part may be stored by itself
 */
export function partToFill(
  { x, stored }: Leader,
  timed: TimedResponse,
  bytes: Uint8Array,
  { alone, encoded }: { alone: boolean; encoded: boolean },
): FilledPart | undefined {
  const { policy, maxBodyBytes } = x.settings
  const parts = receivedPart(timed, bytes.length, true, { encoded })
  if (parts === undefined) return undefined
  const body = stored?.entry.body
  const combined = stored?.part && body && combineParts(stored.part, { response: timed, parts }, policy)
  const joined = combined && joinPieces(combined, body.bytes, bytes)
  if (combined !== undefined && joined !== undefined && joined.length <= maxBodyBytes) {
    return createFilledPart(combined, joined)
  }
  return alone ? createFilledPart(partToStore(timed, parts, policy), bytes) : undefined
}

function createFilledPart({ response, parts }: StoredPart, bytes: Uint8Array): FilledPart {
  return { response, bytes, parts: response.status === PARTIAL_CONTENT ? parts : undefined }
}
