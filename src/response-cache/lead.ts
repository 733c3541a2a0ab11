/** The leader's way through the cache: it runs the handler, validates the stored response, and stores the new one. */
import {
  isComplete,
  mayStore,
  mayStorePart,
  PARTIAL_CONTENT,
  supersedes,
  type TimedResponse,
  type VaryRecord,
  varyRecordOf,
} from '../http/index.ts'
import { RefreshError } from '../values/errors.ts'
import { type BodyEnd, cancelBody, isRuntimeStream, readBody, teeBody } from './bodies.ts'
import { annotate, bodyOf, buildResponse, canCopy, copyWith, hasHiddenType } from './client-response.ts'
import { hasUnknownForm, isDecodedBody } from './content-coding.ts'
import { type Exchange, emitFailure, isKeyUnchanged, runInBackground } from './exchange.ts'
import {
  deleteVariant,
  emitMiss,
  endLeadership,
  finishWork,
  HIT_FOR_MISS_MS,
  hasStoreRight,
  type Leader,
  releaseLease,
} from './lease.ts'
import {
  fetchFromOrigin,
  notModifiedParts,
  type OriginFailure,
  type OriginResponse,
  respondUnstored,
} from './origin-response.ts'
import { partToFill } from './parts.ts'
import { revalidate } from './revalidate.ts'
import { staleIfError } from './stale-if-error.ts'
import { storeResponse, tagsOf } from './store-response.ts'
import type { StoredResponse } from './verdict.ts'

/** Runs the handler, answers the client, and makes sure that the lease is released. */
export async function runLeader(leader: Leader): Promise<Response> {
  try {
    return await lead(leader, leader.stored)
  } catch (error) {
    // The handler may throw, and so may functions of the options.
    const isAnswer = error instanceof Response
    await (isAnswer ? endUnstored(leader, error.status, 'status') : endLeadership(leader, HIT_FOR_MISS_MS))
    if (isAnswer && leader.isRefresh) return error
    throw error
  }
}

/** @param validated the stored response whose validators the handler gets; undefined for a request without conditions */
async function lead(leader: Leader, validated: StoredResponse | undefined): Promise<Response> {
  const { x, answer, stored, fwd } = leader
  const { origin, failure, error } = await fetchFromOrigin(x, validated)
  if (failure !== undefined && leader.isRefresh) return failRefresh(leader, failure)
  if (failure !== undefined) {
    const stale = await staleIfError(x, stored, failure, fwd)
    if (stale !== undefined) {
      await endLeadership(leader, HIT_FOR_MISS_MS)
      return stale
    }
  }
  if (origin === undefined) {
    emitMiss(leader)
    throw error
  }
  if (error === undefined && origin.timed.status === 304 && stored !== undefined) {
    const response = await revalidate(leader, stored, origin, { canRunAgain: validated !== undefined })
    // The 304 is about another representation. Without conditions, the handler sends that one.
    return response ?? lead(leader, undefined)
  }
  const vary = varyRecordOf(answer.names, origin.timed.headers, x.settings.policy)
  const refusal = refusalOf(leader, origin) ?? (vary === undefined ? 'vary' : undefined)
  if (refusal === undefined && vary !== undefined) return respondAndStore(leader, origin, vary)
  // A thrown answer, such as a 404, says as much about the resource as a returned one.
  const isThrownAnswer = error !== undefined && failure === undefined
  await endUnstored(leader, origin.timed.status, isThrownAnswer ? 'status' : refusal)
  return respondUnstored(leader, origin, { fwd, detail: refusal })
}

/** Ends the leadership of a request whose response is not stored. */
async function endUnstored(leader: Leader, status: number, refusal: string | undefined): Promise<void> {
  const { x, stored } = leader
  // A stored response that the handler no longer sends must not be served stale, nor in place of a later error.
  if (stored !== undefined && hasStoreRight(leader) && supersedes(status, refusal)) {
    await runInBackground(x, finishWork(leader, deleteVariant(leader)))
  } else {
    // A partial response answers few other requests, but the next response may be whole. Until then, the waiters run one by one.
    await endLeadership(leader, status === PARTIAL_CONTENT ? 0 : HIT_FOR_MISS_MS)
  }
}

/** Returns why the response is not stored, which is also the `detail` of Cache-Status. */
function refusalOf(leader: Leader, { response, timed, error }: OriginResponse): string | undefined {
  const { x } = leader
  if (error !== undefined) return 'error'
  if (hasHiddenType(response)) return 'content-type'
  // The body was read already, or a stored copy would lack a property, such as a web socket.
  if (!canCopy(response)) return 'body'
  if (hasUnknownForm(timed.headers)) return 'content-encoding'
  const reason = timed.status === PARTIAL_CONTENT ? partRefusal(leader, timed) : wholeRefusal(x, timed)
  if (reason !== undefined) return reason
  if (!isKeyUnchanged(x)) return 'key'
  if (!hasStoreRight(leader)) return 'leased'
  return Number(timed.headers.get('content-length')) > x.settings.maxBodyBytes ? 'too large' : undefined
}

function wholeRefusal(x: Exchange, timed: TimedResponse): string | undefined {
  const decision = mayStore(x.head, timed, x.settings.policy)
  return decision.store ? undefined : decision.reason
}

function partRefusal({ x, stored }: Leader, timed: TimedResponse): string | undefined {
  const decision = mayStorePart(x.head, timed, x.settings.policy)
  if (!decision.store) return decision.reason
  return decision.alone || stored?.part !== undefined ? undefined : 'partial'
}

/** Passes the response on as it arrives, and stores it once it is complete. */
async function respondAndStore(leader: Leader, origin: OriginResponse, vary: VaryRecord): Promise<Response> {
  const { x, fwd } = leader
  const { response } = origin
  const { maxBodyBytes } = x.settings
  const tags = tagsOf(x, response)
  const storeBody = (end: BodyEnd) => storeWhole(leader, origin, end, { ...vary, tags })
  const status = { fwd, stored: true }
  const notModified = notModifiedParts(x, origin)
  const body = bodyOf(response)
  emitMiss(leader)
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

/** Stores the response if its whole body arrived. */
async function storeWhole(
  leader: Leader,
  { timed }: OriginResponse,
  end: BodyEnd,
  record: VaryRecord & { readonly tags: readonly string[] },
): Promise<void> {
  // A client that disconnects proves nothing about the response, so the next request may store it: no hit-for-miss. The handler
  // may end its stream when the client disconnects, as if the body were whole.
  if (end.kind === 'cancelled' || leader.x.request.signal?.aborted) return releaseLease(leader, 0)
  if (end.kind !== 'whole') return releaseLease(leader, HIT_FOR_MISS_MS)
  const { bytes } = end
  const isDecoded = isDecodedBody(timed.headers, bytes)
  if (timed.status === PARTIAL_CONTENT) return storePart(leader, timed, { ...record, bytes, isDecoded })
  // Content-Length counts encoded bytes. If the runtime decoded them, it has checked the length itself.
  if (!isDecoded && !isComplete(timed.headers, bytes.length, true)) return releaseLease(leader, HIT_FOR_MISS_MS)
  const isStored = await storeResponse(leader.x, leader.answer, timed, { ...record, bytes, isDecoded })
  if (!isStored) await releaseLease(leader, 0)
}

async function storePart(
  leader: Leader,
  timed: TimedResponse,
  { bytes, isDecoded, ...record }: VaryRecord & { tags: readonly string[]; bytes: Uint8Array; isDecoded: boolean },
): Promise<void> {
  const alone = !leader.x.head.headers.has('if-range')
  const part = partToFill(leader, timed, bytes, { alone, encoded: !isDecoded })
  if (part === undefined) return releaseLease(leader, 0)
  const { response, ...filled } = part
  const isStored = await storeResponse(leader.x, leader.answer, response, { ...record, ...filled, isDecoded })
  if (!isStored) await releaseLease(leader, 0)
}

/** Ends a refresh whose handler failed. The stale response stays, even if the failure could be stored. */
async function failRefresh(leader: Leader, { response, error }: OriginFailure): Promise<Response> {
  emitFailure(leader.x, new RefreshError('failed', { status: response?.status, cause: error }))
  if (response !== undefined) cancelBody(response)
  await endLeadership(leader, HIT_FOR_MISS_MS)
  return new Response(null, { status: 500 })
}
