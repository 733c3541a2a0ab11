/** Parts of representations: what a 206 adds to the stored response (RFC 9111 3.3 and 3.4). */
import {
  combineParts,
  joinPieces,
  partToStore,
  receivedPart,
  type StoredPart,
  type TimedResponse,
} from '../http/index.ts'
import type { Leader } from './lease.ts'

export interface FilledPart {
  readonly response: TimedResponse
  readonly bytes: Uint8Array
  /** Undefined if no byte is missing any more. */
  readonly parts: StoredPart['parts'] | undefined
}

/**
 * Returns what to store after a 206: its bytes together with the stored ones if they belong to one representation, otherwise
 * its own. Undefined if nothing can be made of it.
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
  if (combined !== undefined && joined !== undefined && joined.length <= maxBodyBytes) return filled(combined, joined)
  return alone ? filled(partToStore(timed, parts, policy), bytes) : undefined
}

function filled({ response, parts }: StoredPart, bytes: Uint8Array): FilledPart {
  return { response, bytes, parts: response.status === 206 ? parts : undefined }
}
