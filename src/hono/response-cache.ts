/**
 * HTTP response caching in front of a Hono application: a shared cache by RFC 9111, kept in Postgres.
 *
 * The rules are `src/http`'s; this file takes a request through them. A failing cache never fails a request: the handler
 * answers then, and Cache-Status says why.
 */
import type { MiddlewareHandler, Next } from 'hono'
import { createPauses, sleep } from '../fill/pauses.ts'
import {
  bypassReason,
  type CacheStatus,
  type ForwardReason,
  isAnswerable,
  isShareable,
  mayFill,
  mustNotForward,
  type Reuse,
} from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { randomNumber } from '../values/random.ts'
import { collected } from './bodies.ts'
import {
  createExchange,
  type Exchange,
  handOver,
  isHeld,
  read,
  reasonOf,
  tell,
  tellFailure,
  withStatus,
} from './exchange.ts'
import { changed, forwarded, passedBy } from './forward.ts'
import { leadWith } from './lead.ts'
import type { Lead } from './lease.ts'
import { parseOptions, type ResponseCacheOptions } from './options.ts'
import { forwardReason, judge, serve, timedOf } from './serve.ts'
import { waitUntilOf } from './wait-until.ts'

export type { ResponseCacheOptions } from './options.ts'
export type { PathPattern } from './paths.ts'

/** Refreshes that are on their way through the application once more, by their requests. */
const refreshes = new WeakMap<Request, Lead>()

/**
 * Caches what the handlers behind it answer, as RFC 9111 allows a shared cache to.
 *
 * A hit, a 304 included, is one round trip to the database; a miss two, the second after the response is on its way. Safe by
 * default: nothing with Set-Cookie, `private`, `no-store`, or to a request with Authorization is shared unless the response
 * or an option says so.
 *
 * @throws InvalidOptionError, InvalidExpirationError when it is made
 * @example
 * const app = new Hono()
 * app.use(responseCache({ cache, stale: '1h' }))
 * app.get('/report', async (c) => c.json(await report(), 200, { 'cache-control': 'max-age=60' }))
 */
export function responseCache(options: ResponseCacheOptions): MiddlewareHandler {
  const plan = parseOptions(options)
  /** Requests of this process that ask the handler, by the keys of their leases: what others may wait for. */
  const working = new Map<string, Promise<void>>()

  return async function responseCache(c, next) {
    if (!plan.isSelected(c.req.path) || c.req.raw.headers.has('upgrade')) return next()
    const refreshing = refreshes.get(c.req.raw)
    // Another's goes on to that one: this one would answer in its place, or store what is added between them for one client.
    if (refreshing !== undefined && refreshing.x.plan !== plan) return next()
    if (refreshing !== undefined) {
      refreshes.delete(c.req.raw)
      return leadWith({ ...refreshing, x: { ...refreshing.x, c } }, next)
    }
    if (!isAnswerable(c.req.method)) return changed(c, next, plan)
    const key =
      bypassReason({ method: c.req.method, headers: c.req.raw.headers }, plan.policy) === undefined
        ? plan.keyOf(c)
        : undefined
    if (key === undefined) return passedBy(c, next, plan, { fwd: 'bypass' })
    let x: Exchange
    try {
      x = createExchange(c, plan, key)
    } catch (error) {
      // What is no cache is a mistake in the program; one that cannot be made now is a failure like any other.
      if (error instanceof InvalidOptionError) throw error
      return passedBy(c, next, plan, { fwd: 'bypass', detail: reasonOf(error) })
    }
    return isHeld(x) ? next() : answered(x, next, working)
  }
}

type Working = Map<string, Promise<void>>

async function answered(x: Exchange, next: Next, working: Working): Promise<Response | undefined> {
  const pauses = createPauses(x.plan.leaseMs, randomNumber)
  const canFill = mayFill(x.head)
  const cannotWait = !canFill || x.head.headers.has('range')
  let isForced = false
  let isCollapsed = false
  for (;;) {
    let answer: ResponseAnswer
    try {
      answer = await read(x, { force: isForced, claims: canFill })
    } catch (error) {
      tellFailure(x, error)
      return forwarded(x, next, { fwd: 'bypass', detail: reasonOf(error) })
    }
    const judged = judge(x, answer)
    const decided = decide(x, answer, judged)
    const fwd = forwardReason(answer, judged)
    if (decided === 'serve' || decided === 'serve and refresh') {
      const served = await hit(x, answer, judged, { fwd, isCollapsed, refreshes: decided !== 'serve', working })
      if (served !== undefined) return served
    }
    if (decided === 'gateway timeout') {
      if (answer.claimed) await handOver(x, givenBack(x, answer))
      return withStatus(x, new Response(null, { status: 504 }), { fwd })
    }
    if (answer.claimed) return leadWith(leadOf(x, answer, fwd, working), next)
    // Stored and fresh for the store, but not for this request: the lease has to be asked for.
    if (answer.entry?.state === 'live' && !isForced && canFill) {
      isForced = true
      continue
    }
    if (answer.passedAt !== undefined) return leadWith({ x, answer, fwd, onEnd() {} }, next)
    if (cannotWait) return forwarded(x, next, { fwd }, answer)
    // Whatever the others bring, this request would have to ask as well.
    if (answer.entry && !isShareable(timedOf(answer.entry.meta), x.plan.policy)) {
      return leadWith({ x, answer, fwd, onEnd() {} }, next)
    }
    isCollapsed = true
    const pause = pauses.next(answer.heldMs)
    if (pause.done) return forwarded(x, next, { fwd, detail: 'waited' }, answer)
    await sleep(pause.value, working.get(answer.key))
  }
}

type Decision = 'serve' | 'serve and refresh' | 'gateway timeout' | 'forward'

function decide(x: Exchange, answer: ResponseAnswer, judged: Reuse | undefined): Decision {
  if (judged === undefined) return mustNotForward(x.head, x.plan.policy) ? 'gateway timeout' : 'forward'
  if (judged.use === 'gateway-timeout') return 'gateway timeout'
  if (judged.use === 'fresh' || judged.use === 'stale') return 'serve'
  if (judged.use === 'validate') return 'forward'
  if (!answer.claimed) return 'serve'
  // Whoever won the refresh waits for it where nobody else would see it through.
  return x.plan.refresh !== undefined && waitUntilOf(x.c, x.plan.waitUntil) !== undefined
    ? 'serve and refresh'
    : 'forward'
}

async function hit(
  x: Exchange,
  answer: ResponseAnswer,
  judged: Reuse | undefined,
  context: { fwd: ForwardReason; isCollapsed: boolean; refreshes: boolean; working: Working },
): Promise<Response | undefined> {
  if (answer.entry === undefined) return undefined
  const ttlMs = judged?.ttlMs
  const status: CacheStatus = context.isCollapsed ? { fwd: context.fwd, collapsed: true, ttlMs } : { hit: true, ttlMs }
  const served = await serve(x, answer.entry, status)
  if (served === undefined) return undefined
  tell(x, judged?.use === 'fresh' ? 'hit' : 'stale')
  if (context.refreshes) refresh(leadOf(x, answer, context.fwd, context.working))
  else if (answer.claimed) await handOver(x, givenBack(x, answer))
  return served
}

/** Sends the request through the application once more, after the response. */
function refresh(lead: Lead): void {
  const { x } = lead
  const request = new Request(x.request, { method: 'GET' })
  refreshes.set(request, lead)
  const work = async () => {
    try {
      const response = await x.plan.refresh?.(request, x.c)
      await collected(response?.body ?? null, x.plan.maxBodyBytes)
    } catch (error) {
      tellFailure(x, error)
    } finally {
      // Something before this middleware may have answered; otherwise the lease is in the hands of that request.
      if (refreshes.delete(request)) await givenBack(x, lead.answer).finally(lead.onEnd)
    }
  }
  void handOver(x, work())
}

function leadOf(x: Exchange, answer: ResponseAnswer, fwd: ForwardReason, working: Working): Lead {
  let onEnd = () => {}
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve
  })
  working.set(answer.key, ended)
  return {
    x,
    answer,
    fwd,
    onEnd() {
      if (working.get(answer.key) === ended) working.delete(answer.key)
      onEnd()
    },
  }
}

async function givenBack(x: Exchange, answer: ResponseAnswer): Promise<void> {
  try {
    await x.store.release(answer.key, x.token, 0, x.cost)
  } catch (error) {
    tellFailure(x, error)
  }
}
