/**
 * HTTP response caching in front of a Hono application: a shared cache by RFC 9111, stored in Postgres.
 *
 * `src/http` holds the rules; this file takes a request through them. A failing cache never fails a request: the handler
 * answers instead, and Cache-Status says why.
 */
import type { MiddlewareHandler, Next } from 'hono'
import { createPauses, sleep } from '../fill/pauses.ts'
import {
  bypassReason,
  type CacheStatus,
  type ForwardReason,
  isAnswerable,
  isShareable,
  isWebSocketUpgrade,
  mayFill,
  mustNotForward,
  type Reuse,
} from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { randomNumber } from '../values/random.ts'
import { readBody } from './bodies.ts'
import {
  canCopy,
  createExchange,
  type Exchange,
  emitEvent,
  emitFailure,
  failureReason,
  isKeyUnchanged,
  isLeaseHeld,
  read,
  replaceResponse,
  runInBackground,
  withCacheStatus,
} from './exchange.ts'
import { bypass, forward, forwardUnsafe } from './forward.ts'
import { frontFieldsOf, withFrontFields } from './front-fields.ts'
import { runLeader } from './lead.ts'
import { endLeadership, type Leader } from './lease.ts'
import { parseOptions, type ResponseCacheOptions } from './options.ts'
import { forwardReason, judge, serve, timedOf } from './serve.ts'
import { waitUntilOf } from './wait-until.ts'

export type { ResponseCacheOptions } from './options.ts'
export type { PathPattern } from './paths.ts'

/** The leaders of background refreshes, by the request that takes each refresh through the application again. */
const pendingRefreshes = new WeakMap<Request, Leader>()

/**
 * Caches the responses of the handlers behind it, as RFC 9111 allows a shared cache to.
 *
 * A hit, including a 304, costs one round trip to the database. A miss costs two, the second after the response is on its way.
 * It is safe by default. It shares no response with Set-Cookie, `private` or `no-store`, and none to a request with
 * Authorization, unless the response or an option says so.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the middleware is created
 * @example
 * const app = new Hono()
 * app.use(responseCache({ cache, stale: '1h' }))
 * app.get('/report', async (c) => c.json(await report(), 200, { 'cache-control': 'max-age=60' }))
 */
export function responseCache(options: ResponseCacheOptions): MiddlewareHandler {
  const settings = parseOptions(options)
  const pendingMisses: PendingMisses = new Map()

  return async function responseCache(c, next) {
    const isIncluded = settings.includesPath(c.req.path)
    const head = { method: c.req.method, headers: c.req.raw.headers }
    // Check this before every early exit, because each unsafe request invalidates (RFC 9111 4.4).
    if (!isAnswerable(head.method)) return forwardUnsafe(c, next, settings, { isIncluded })
    // If middleware in front has answered already, Hono ignores the handler's response, so there is nothing to cache.
    if (!isIncluded || isWebSocketUpgrade(head) || c.finalized) return next()
    const refreshing = pendingRefreshes.get(c.req.raw)
    // This refresh belongs to another responseCache, so pass it on. Handling it here would answer in that cache's place, or
    // store headers that middleware between the two added for one client.
    if (refreshing !== undefined && refreshing.x.settings !== settings) return next()
    if (refreshing !== undefined) {
      pendingRefreshes.delete(c.req.raw)
      return runRefresh(
        { ...refreshing, x: { ...refreshing.x, c, front: frontFieldsOf(c), routeIndex: c.req.routeIndex } },
        next,
      )
    }
    const key = bypassReason(head, settings.policy) === undefined ? settings.keyOf(c) : undefined
    if (key === undefined) return bypass(c, next, settings, { fwd: 'bypass' })
    let x: Exchange
    try {
      x = createExchange(c, settings, key)
    } catch (error) {
      // Returning something that is not a cache is a bug: rethrow. A cache that cannot be created now is an outage: bypass it.
      if (error instanceof InvalidOptionError) throw error
      return bypass(c, next, settings, { fwd: 'bypass', detail: failureReason(error) })
    }
    if (isLeaseHeld(x)) return next()
    const served = await answerRequest(x, next, pendingMisses)
    const response = served ?? c.res
    const answer = canCopy(response) ? withFrontFields(response, x.front) : response
    // Replace instead of returning it, because Hono would merge what middleware in front set on `c.res` over its fields.
    if (answer !== c.res) replaceResponse(c, answer)
  }
}

/** The requests of this process that run the handler, by lease key. Waiters of this process need no database to wait for them. */
type PendingMisses = Map<string, Promise<void>>

async function answerRequest(x: Exchange, next: Next, pendingMisses: PendingMisses): Promise<Response | undefined> {
  const pauses = createPauses(x.settings.leaseMs, randomNumber)
  const canFill = mayFill(x.head)
  const cannotWait = !canFill || x.head.headers.has('range')
  let isForced = false
  let isCollapsed = false
  for (;;) {
    let answer: ResponseAnswer
    try {
      answer = await read(x, { force: isForced, claims: canFill })
    } catch (error) {
      emitFailure(x, error)
      return forward(x, next, { fwd: 'bypass', detail: failureReason(error) })
    }
    const judged = judge(x, answer)
    const decided = decide(x, answer, judged)
    const fwd = forwardReason(answer, judged)
    if (decided === 'serve' || decided === 'serve and refresh') {
      const shouldRefresh = decided === 'serve and refresh'
      const served = await serveStored(x, answer, judged, { fwd, isCollapsed, shouldRefresh, pendingMisses })
      if (served !== undefined) return served
    }
    if (decided === 'gateway timeout') {
      if (answer.claimed) await runInBackground(x, giveBackLease(x, answer))
      return withCacheStatus(x, new Response(null, { status: 504 }), { fwd })
    }
    if (answer.claimed) return runLeader(createLeader(x, answer, fwd, pendingMisses), next)
    // The store saw a live response and so claimed nothing, but this request may not use it. Read again, and claim the lease.
    if (answer.entry?.state === 'live' && !isForced && canFill) {
      isForced = true
      continue
    }
    if (answer.hitForMissSnapshot !== undefined) return runLeader({ x, answer, fwd, onEnd() {} }, next)
    if (cannotWait) return forward(x, next, { fwd }, answer)
    // This URL's response answers nobody else, so waiting for the leader would not help: run the handler now.
    if (answer.entry && !isShareable(timedOf(answer.entry.meta), x.settings.policy)) {
      return runLeader({ x, answer, fwd, onEnd() {} }, next)
    }
    isCollapsed = true
    const pause = pauses.next(answer.heldMs)
    if (pause.done) return forward(x, next, { fwd, detail: 'waited' }, answer)
    await sleep(pause.value, pendingMisses.get(answer.key))
  }
}

type Decision = 'serve' | 'serve and refresh' | 'gateway timeout' | 'forward'

function decide(x: Exchange, answer: ResponseAnswer, judged: Reuse | undefined): Decision {
  if (judged === undefined) return mustNotForward(x.head, x.settings.policy) ? 'gateway timeout' : 'forward'
  if (judged.use === 'gateway-timeout') return 'gateway timeout'
  if (judged.use === 'fresh' || judged.use === 'stale') return 'serve'
  if (judged.use === 'validate') return 'forward'
  if (!answer.claimed) return 'serve'
  // Without `waitUntil` nothing keeps background work alive, so the request that won the refresh waits for it.
  return x.settings.refresh !== undefined && waitUntilOf(x.c, x.settings.waitUntil) !== undefined
    ? 'serve and refresh'
    : 'forward'
}

interface ServeOptions {
  readonly fwd: ForwardReason
  readonly isCollapsed: boolean
  readonly shouldRefresh: boolean
  readonly pendingMisses: PendingMisses
}

/** Answers from the stored response. Returns undefined if it is gone: the request then goes on as after a miss. */
async function serveStored(
  x: Exchange,
  answer: ResponseAnswer,
  judged: Reuse | undefined,
  { fwd, isCollapsed, shouldRefresh, pendingMisses }: ServeOptions,
): Promise<Response | undefined> {
  if (answer.entry === undefined) return undefined
  const ttlMs = judged?.ttlMs
  const status: CacheStatus = isCollapsed ? { fwd, collapsed: true, ttlMs } : { hit: true, ttlMs }
  const served = await serve(x, answer.entry, status)
  if (served === undefined) return undefined
  emitEvent(x, judged?.use === 'fresh' ? 'hit' : 'stale')
  if (shouldRefresh) refreshInBackground(createLeader(x, answer, fwd, pendingMisses))
  else if (answer.claimed) await runInBackground(x, giveBackLease(x, answer))
  return served
}

/** Runs the handler for a refresh that came back here. */
async function runRefresh(leader: Leader, next: Next): Promise<undefined> {
  let isSameKey = false
  try {
    isSameKey = isKeyUnchanged(leader.x)
  } finally {
    if (!isSameKey) await endLeadership(leader, 0)
  }
  if (isSameKey) return runLeader(leader, next)
  await next()
}

/** Sends the request through the application again, after the response. */
function refreshInBackground(leader: Leader): void {
  const { x } = leader
  const request = new Request(x.request, { method: 'GET' })
  pendingRefreshes.set(request, leader)
  const work = async () => {
    try {
      const response = await x.settings.refresh?.(request, x.c)
      await readBody(response?.body ?? null, x.settings.maxBodyBytes)
    } catch (error) {
      emitFailure(x, error)
    } finally {
      // If the request is still registered, it never came back here: middleware in front answered it. Release its lease.
      if (pendingRefreshes.delete(request)) await giveBackLease(x, leader.answer).finally(leader.onEnd)
    }
  }
  void runInBackground(x, work())
}

function createLeader(x: Exchange, answer: ResponseAnswer, fwd: ForwardReason, pendingMisses: PendingMisses): Leader {
  let onEnd = () => {}
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve
  })
  pendingMisses.set(answer.key, ended)
  return {
    x,
    answer,
    fwd,
    onEnd() {
      if (pendingMisses.get(answer.key) === ended) pendingMisses.delete(answer.key)
      onEnd()
    },
  }
}

/** Releases a lease whose holder did not run the handler. */
async function giveBackLease(x: Exchange, answer: ResponseAnswer): Promise<void> {
  try {
    await x.store.release(answer.key, x.token, 0, x.cost)
  } catch (error) {
    emitFailure(x, error)
  }
}
