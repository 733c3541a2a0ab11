/** Answers a request from a stored response. */
import { type Answer, answer, answerPart, type CacheStatus } from '../http/index.ts'
import type { ResponseMeta } from '../postgres/responses/store.ts'
import { buildResponse, hasNullBody } from './client-response.ts'
import { isWorkerd } from './content-coding.ts'
import { type Exchange, emitFailure, read, storeNow } from './exchange.ts'
import { parseStored, type StoredResponse, withEntry } from './verdict.ts'

/**
 * Answers this request from the stored response: with the whole body, a range, the head, or a 304. Returns undefined if
 * the stored response is gone.
 *
 * @param validated whether the handler validated the response for this request
 */
export async function serve(
  x: Exchange,
  stored: StoredResponse,
  status: CacheStatus,
  { validated = false, isLastRead = false } = {},
): Promise<Response | undefined> {
  const { meta } = stored.entry
  const given = answerOf(x, stored, validated)
  if (given === undefined) return undefined
  if (given.body === 'none' || hasNullBody(given.status)) return buildResponse(x, { ...given, body: null }, status)
  const body = bytesOf(stored, given.body)
  if (body === undefined) return isLastRead ? undefined : serveAgain(x, stored, status, validated)
  return buildResponse(
    x,
    { ...given, body, isEncoded: meta.decoded !== true && given.headers.has('content-encoding') },
    status,
  )
}

function answerOf(
  x: Exchange,
  { entry: { meta }, timed, part }: StoredResponse,
  validated: boolean,
): Answer | undefined {
  const now = storeNow(x)
  if (part !== undefined) return answerPart(x.head, part, { now, validated })
  const isDecoded = meta.decoded === true
  const keepEncoding = isDecoded && isWorkerd()
  return answer(x.head, timed, { now, bodyBytes: meta.bytes, validated, encoded: !isDecoded, keepEncoding })
}

/** Returns the requested bytes of the body, or undefined if the statement did not load them. */
function bytesOf(
  { entry: { body, meta } }: StoredResponse,
  part: 'whole' | { readonly first: number; readonly last: number },
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined
  const [first, end] = part === 'whole' ? [0, meta.bytes] : [part.first, part.last + 1]
  const isThere = body.offset <= first && end <= body.offset + body.bytes.length
  return isThere ? body.bytes.subarray(first - body.offset, end - body.offset) : undefined
}

/** Reads the whole response and answers from it. Another response may be stored by now. */
async function serveAgain(
  x: Exchange,
  stored: StoredResponse,
  status: CacheStatus,
  validated: boolean,
): Promise<Response | undefined> {
  const again = await readWhole(x)
  if (again?.entry.body === undefined) return undefined
  // After a 304, the metadata in memory is newer than the metadata in the database.
  return isSame(again.entry.meta, stored.entry.meta)
    ? serve(x, withEntry(again, { ...again.entry, meta: stored.entry.meta }), status, { validated, isLastRead: true })
    : serve(x, again, status, { isLastRead: true })
}

/** Returns undefined if the response is gone or the read fails. The request then continues like a miss. */
async function readWhole(x: Exchange): Promise<StoredResponse | undefined> {
  try {
    return parseStored(x, await read(x, { whole: true }))
  } catch (error) {
    emitFailure(x, error)
    return undefined
  }
}

/** True if both seem to have the same body: only the metadata is compared. */
function isSame(a: ResponseMeta, b: ResponseMeta): boolean {
  return a.tag !== undefined && a.tag === b.tag && a.bytes === b.bytes && a.status === b.status
}
