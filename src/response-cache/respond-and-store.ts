/** Passes the handler's response on to the client, and stores it once its whole body has arrived. */
import { isComplete, PARTIAL_CONTENT, type TimedResponse, type VaryRecord } from '../http/index.ts'
import { type BodyEnd, isRuntimeStream, readBody, teeBody } from './bodies.ts'
import { annotate, bodyOf, buildResponse, canCopy, copyWith, hasHiddenType } from './client-response.ts'
import { hasUnknownForm, isDecodedBody } from './content-coding.ts'
import { isKeyUnchanged, runInBackground } from './exchange.ts'
import { finishWork, hasStoreRight, type Leader, releaseLease } from './lease.ts'
import { notModifiedParts, type OriginResponse } from './origin-response.ts'
import { partToFill } from './parts.ts'
import { storeResponse } from './store-response.ts'

/** The names under which a response is stored: the fields that it varies on, and its tags. */
export type StoreNames = VaryRecord & { readonly tags: readonly string[] }

/**
 * Returns why the response is not stored, which is also the `detail` of Cache-Status.
 *
 * @param refusalOfPolicy returns the refusal according to the rules for the request's method
 */
export function refusalOf(
  leader: Leader,
  { response, timed, error }: OriginResponse,
  refusalOfPolicy: () => string | undefined,
): string | undefined {
  const { x } = leader
  if (error !== undefined) return 'error'
  if (hasHiddenType(response)) return 'content-type'
  // The body has already been read, or a stored copy would lack a property such as a WebSocket.
  if (!canCopy(response)) return 'body'
  if (hasUnknownForm(timed.headers)) return 'content-encoding'
  const reason = refusalOfPolicy()
  if (reason !== undefined) return reason
  if (!isKeyUnchanged(x)) return 'key'
  if (!hasStoreRight(leader)) return 'leased'
  return Number(timed.headers.get('content-length')) > x.settings.maxBodyBytes ? 'too large' : undefined
}

/** Passes the response on as it arrives, and stores it once it is complete. */
export async function respondAndStore(leader: Leader, origin: OriginResponse, names: StoreNames): Promise<Response> {
  const { x, fwd } = leader
  const { response } = origin
  const { maxBodyBytes } = x.settings
  const storeBody = (end: BodyEnd) => storeWhole(leader, origin, end, names)
  const status = { fwd, stored: true }
  const notModified = notModifiedParts(x, origin)
  const body = bodyOf(response)
  if (body === null || notModified !== undefined) {
    // The client gets no body, so do not read the body at the client's pace.
    await runInBackground(x, finishWork(leader, readBody(body, maxBodyBytes).then(storeBody)))
    return notModified === undefined
      ? annotate(x, response, status)
      : buildResponse(x, notModified, { ...status, fwdStatus: response.status })
  }
  let onStored: () => void = () => {}
  const stored = runInBackground(x, new Promise((resolve) => (onStored = resolve)))
  const finish = (end: BodyEnd) => finishWork(leader, storeBody(end)).then(onStored)
  try {
    if (stored === undefined && isRuntimeStream(body)) {
      const [toClient, toStore] = body.tee()
      void readBody(toStore, maxBodyBytes).then(finish)
      return annotate(x, copyWith(response, toClient), status)
    }
    const stream = teeBody(body, maxBodyBytes, (end) => {
      const work = finish(end)
      return stored === undefined ? undefined : work
    })
    return annotate(x, copyWith(response, stream), status)
  } catch (error) {
    onStored()
    throw error
  }
}

/** Stores the response if its whole body has arrived. */
async function storeWhole(leader: Leader, { timed }: OriginResponse, end: BodyEnd, names: StoreNames): Promise<void> {
  // A disconnect says nothing about the response, so the next request may store it: set no hit-for-miss. Check the
  // signal too, because the handler may end its stream on a disconnect as if the body were whole.
  if (end.kind === 'cancelled' || leader.x.request.signal?.aborted) return releaseLease(leader, 0)
  if (end.kind !== 'whole') return releaseLease(leader, leader.hitForMissMs)
  const { bytes } = end
  const isDecoded = isDecodedBody(timed.headers, bytes)
  if (timed.status === PARTIAL_CONTENT) return storePart(leader, timed, { ...names, bytes, isDecoded })
  // Content-Length counts encoded bytes. If the runtime decoded them, it has checked the length itself.
  if (!isDecoded && !isComplete(timed.headers, bytes.length, true)) return releaseLease(leader, leader.hitForMissMs)
  const isStored = await storeResponse(leader.x, leader.answer, timed, { ...names, bytes, isDecoded })
  if (!isStored) await releaseLease(leader, 0)
}

async function storePart(
  leader: Leader,
  timed: TimedResponse,
  { bytes, isDecoded, ...names }: StoreNames & { bytes: Uint8Array; isDecoded: boolean },
): Promise<void> {
  const alone = !leader.x.head.headers.has('if-range')
  const part = partToFill(leader, timed, bytes, { alone, encoded: !isDecoded })
  if (part === undefined) return releaseLease(leader, 0)
  const { response, ...filled } = part
  const isStored = await storeResponse(leader.x, leader.answer, response, { ...names, ...filled, isDecoded })
  if (!isStored) await releaseLease(leader, 0)
}
