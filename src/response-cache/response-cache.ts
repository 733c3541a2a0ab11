/**
 * A shared HTTP cache (RFC 9111) that stores its responses in Postgres, in front of any request handler.
 *
 * `src/http` has the rules as pure functions, and this folder applies them to a request. An adapter describes the
 * request as a `HandlerCall`. A failing cache never fails a request: the handler answers instead, and Cache-Status says
 * why.
 */
import { createPauses, type Pauses, sleep } from '../fill/pauses.ts'
import {
  bypassReason,
  type ForwardReason,
  isAnswerable,
  isWebSocketUpgrade,
  mayFill,
  requestedRange,
} from '../http/index.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { randomNumber } from '../values/random.ts'
import { buildResponse } from './client-response.ts'
import {
  createExchange,
  type Exchange,
  emitEvent,
  emitFailure,
  failureStatus,
  isBehindLeader,
  read,
} from './exchange.ts'
import { bypass, forward } from './forward.ts'
import type { HandlerCall } from './handler-call.ts'
import { runLeader } from './lead.ts'
import { createLeader, giveBackLease, type PendingMisses } from './lease.ts'
import type { ResponseCacheSettings } from './options.ts'
import { claimForPost, leadPost } from './post.ts'
import { answerRefresh, canRefresh, refreshInBackground } from './refresh.ts'
import { REFRESH_FIELD, refreshToken } from './refresh-mark.ts'
import { serve } from './serve.ts'
import { forwardUnsafe } from './unsafe.ts'
import { judge, type Verdict } from './verdict.ts'

/** Answers a request from the cache, or from the handler behind it. */
export type ResponseCache = (call: HandlerCall) => Promise<Response>

export function createResponseCache(settings: ResponseCacheSettings): ResponseCache {
  const pendingMisses: PendingMisses = new Map()

  return async function respond(call) {
    const { request } = call
    const isIncluded = settings.includesPath(call.path)
    // Check this before every early exit, because each unsafe request invalidates stored responses (RFC 9111 4.4).
    if (!isAnswerable(request.method)) {
      const leader = isIncluded ? await claimForPost(call, settings, pendingMisses) : undefined
      return leader === undefined ? forwardUnsafe(call, settings, { isIncluded }) : leadPost(leader)
    }
    if (!isIncluded || isWebSocketUpgrade(request)) return (await call.pass()).response
    const refresh = request.headers.has(REFRESH_FIELD) ? refreshToken(request) : undefined
    if (refresh !== undefined) return answerRefresh(refresh, call, settings)
    if (isBehindLeader(call)) return (await call.pass()).response
    const key = bypassReason(request, settings.policy) === undefined ? settings.keyOf(call) : undefined
    if (key === undefined) return bypass(call, settings, { fwd: 'bypass' })
    let x: Exchange
    try {
      x = createExchange(call, settings, key)
    } catch (error) {
      // Returning something that is not a cache is a bug: rethrow. A cache that cannot be created now is an outage:
      // bypass it.
      if (error instanceof InvalidOptionError) throw error
      return bypass(call, settings, failureStatus(error))
    }
    return answerRequest(x, pendingMisses)
  }
}

async function answerRequest(x: Exchange, pendingMisses: PendingMisses): Promise<Response> {
  let found: Found
  try {
    found = await lookUp(x, pendingMisses)
  } catch (error) {
    emitFailure(x, error)
    return forward(x, undefined, failureStatus(error))
  }
  const { verdict } = found
  switch (verdict.kind) {
    case 'serve':
    case 'refresh':
      // If the stored response disappeared in the meantime, the handler must answer.
      return (await serveStored(x, verdict, found, pendingMisses)) ?? goToHandler(x, found, pendingMisses)
    case 'gateway timeout':
      if (verdict.answer.claimed) await giveBackLease(x, verdict.answer)
      emitEvent(x, 'miss')
      return buildResponse(x, { status: 504, headers: new Headers(), body: null }, { fwd: verdict.fwd })
    case 'fetch':
    case 'forward':
      return goToHandler(x, found, pendingMisses)
  }
}

/** Answers from the stored response, and then refreshes it if the verdict says so. Returns undefined if it is gone. */
async function serveStored(
  x: Exchange,
  verdict: Extract<Verdict, { kind: 'serve' | 'refresh' }>,
  { waitedFor }: Found,
  pendingMisses: PendingMisses,
): Promise<Response | undefined> {
  const { answer, stored, ttlMs } = verdict
  const status = waitedFor === undefined ? { hit: true as const, ttlMs } : { fwd: waitedFor, collapsed: true, ttlMs }
  const served = await serve(x, stored, status)
  if (served === undefined) return undefined
  emitEvent(x, verdict.kind === 'serve' && verdict.use === 'fresh' ? 'hit' : 'stale')
  if (verdict.kind === 'refresh') await refreshInBackground(createLeader(x, verdict, pendingMisses))
  else if (answer.claimed) await giveBackLease(x, answer)
  return served
}

/** Runs the handler. If the request holds the lease, or needs none, it may store the response. */
function goToHandler(x: Exchange, { verdict, isLate }: Found, pendingMisses: PendingMisses): Promise<Response> {
  const { kind, answer, stored, fwd } = verdict
  if (answer.refusal !== undefined) {
    emitFailure(x, answer.refusal)
    return forward(x, stored, failureStatus(answer.refusal))
  }
  if (kind === 'fetch' || answer.claimed) return runLeader(createLeader(x, verdict, pendingMisses))
  return forward(x, stored, isLate ? { fwd, detail: 'waited' } : { fwd })
}

interface Found {
  readonly verdict: Verdict
  /** Why the request would have gone to the handler. Set only if it waited for another request's response instead. */
  readonly waitedFor: ForwardReason | undefined
  /** Whether it waited without getting a response that it can use. */
  readonly isLate: boolean
}

/** Reads the stored response, and waits for the leader if there is none yet. */
async function lookUp(x: Exchange, pendingMisses: PendingMisses): Promise<Found> {
  const canFill = mayFill(x.head)
  const abilities = { canFill, canWait: !x.head.headers.has('range'), canRefresh: () => canRefresh(x) }
  const range = requestedRange(x.head)
  let isForced = false
  let waitedFor: ForwardReason | undefined
  let pauses: Pauses | undefined
  for (;;) {
    const answer = await read(x, { force: isForced, claims: canFill, range })
    const next = judge(x, answer, { ...abilities, isForced })
    if (next.kind === 'claim') isForced = true
    else if (next.kind !== 'wait') return { verdict: next, waitedFor, isLate: false }
    else {
      waitedFor ??= next.fwd
      pauses ??= createPauses(x.settings.leaseMs, randomNumber)
      const pause = pauses.next(answer.heldMs)
      if (pause.done) return { verdict: { ...next, kind: 'forward' }, waitedFor, isLate: true }
      await sleep(pause.value, pendingMisses.get(answer.key))
    }
  }
}
