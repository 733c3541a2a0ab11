/** The leader's work: it runs the handler, validates the stored response, and stores the new one. */
import { mayStore, mayStorePart, PARTIAL_CONTENT, supersedes, type TimedResponse, varyRecordOf } from '../http/index.ts'
import { RefreshError } from '../values/errors.ts'
import { cancelBody } from './bodies.ts'
import { type Exchange, emitFailure, runInBackground } from './exchange.ts'
import { deleteVariant, emitMiss, endLeadership, finishWork, hasStoreRight, type Leader } from './lease.ts'
import { fetchFromOrigin, type OriginFailure, respondUnstored } from './origin-response.ts'
import { refusalOf, respondAndStore } from './respond-and-store.ts'
import { revalidate } from './revalidate.ts'
import { staleIfError } from './stale-if-error.ts'
import { tagsOf } from './store-response.ts'
import type { StoredResponse } from './verdict.ts'

/** Runs the handler, answers the client, and makes sure that the lease is released. */
export async function runLeader(leader: Leader): Promise<Response> {
  try {
    return await lead(leader, leader.stored)
  } catch (error) {
    // The handler may throw, and so may the functions in the options.
    const isAnswer = error instanceof Response
    await (isAnswer ? endUnstored(leader, error.status, 'status') : endLeadership(leader, leader.hitForMissMs))
    if (isAnswer && leader.isRefresh) return error
    throw error
  }
}

/**
 * @param validated the stored response whose validators the handler gets; undefined for a request without conditions
 */
async function lead(leader: Leader, validated: StoredResponse | undefined): Promise<Response> {
  const { x, answer, stored, fwd } = leader
  const { origin, failure, error } = await fetchFromOrigin(x, validated)
  if (failure !== undefined && leader.isRefresh) return failRefresh(leader, failure)
  if (failure !== undefined) {
    const stale = await staleIfError(x, stored, failure, fwd)
    if (stale !== undefined) {
      await endLeadership(leader, leader.hitForMissMs)
      return stale
    }
  }
  if (origin === undefined) {
    emitMiss(leader)
    throw error
  }
  if (error === undefined && origin.timed.status === 304 && stored !== undefined) {
    const response = await revalidate(leader, stored, origin, { canRunAgain: validated !== undefined })
    // The 304 is about another representation. Without conditions, the handler sends that representation.
    return response ?? lead(leader, undefined)
  }
  const vary = varyRecordOf(answer.names, origin.timed.headers, x.settings.policy)
  const refusal =
    refusalOf(leader, origin, () => policyRefusal(leader, origin.timed)) ?? (vary === undefined ? 'vary' : undefined)
  if (refusal === undefined && vary !== undefined) {
    const names = { ...vary, tags: tagsOf(x, origin.response) }
    emitMiss(leader)
    return respondAndStore(leader, origin, names)
  }
  // A thrown response, such as a 404, says as much about the resource as a returned one.
  const isThrownAnswer = error !== undefined && failure === undefined
  await endUnstored(leader, origin.timed.status, isThrownAnswer ? 'status' : refusal)
  return respondUnstored(leader, origin, { fwd, detail: refusal })
}

/** Ends the leadership of a request whose response is not stored. */
async function endUnstored(leader: Leader, status: number, refusal: string | undefined): Promise<void> {
  const { x, stored } = leader
  // The handler no longer sends the stored response. It must not be served stale, nor in place of a later error.
  if (stored !== undefined && hasStoreRight(leader) && supersedes(status, refusal)) {
    await runInBackground(x, finishWork(leader, deleteVariant(leader)))
  } else {
    // A partial response can answer few other requests, but the next response may be whole. So keep collapsing: the
    // waiters become the leader one by one.
    await endLeadership(leader, status === PARTIAL_CONTENT ? 0 : leader.hitForMissMs)
  }
}

function policyRefusal(leader: Leader, timed: TimedResponse): string | undefined {
  return timed.status === PARTIAL_CONTENT ? partRefusal(leader, timed) : wholeRefusal(leader.x, timed)
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

/** Ends a refresh whose handler failed. The stale response stays, even if the failure could be stored. */
async function failRefresh(leader: Leader, { response, error }: OriginFailure): Promise<Response> {
  emitFailure(leader.x, new RefreshError('failed', { status: response?.status, cause: error }))
  if (response !== undefined) cancelBody(response)
  await endLeadership(leader, leader.hitForMissMs)
  return new Response(null, { status: 500 })
}
