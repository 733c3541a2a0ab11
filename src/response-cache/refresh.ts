/**
 * Refreshes a stale response in the background, after the client got it.
 *
 * The cache itself sends the refresh request. If it goes through the whole application again, a mark identifies it. The
 * mark lets the sending cache recognize the request, even if middleware in front replaces the request object.
 */
import { forwardedFields } from '../http/index.ts'
import { now } from '../values/clock.ts'
import { RefreshError } from '../values/errors.ts'
import { readBody } from './bodies.ts'
import { copyRequest } from './copy-request.ts'
import { type Exchange, emitFailure, isKeyUnchanged, runInBackground } from './exchange.ts'
import type { HandlerCall, Refresh } from './handler-call.ts'
import { runLeader } from './lead.ts'
import { giveBackLease, type Leader } from './lease.ts'
import type { ResponseCacheSettings } from './options.ts'
import { endRefresh, markRefresh } from './refresh-mark.ts'

/** The leaders of pending refreshes, by token. */
const pendingRefreshes = new Map<string, Leader>()

/** When a refresh last failed to reach its cache again. */
const lostAt = new WeakMap<ResponseCacheSettings, number>()

/**
 * For this long after a lost refresh, a request that wins a refresh runs the handler itself. Otherwise a response would
 * stay stale forever if middleware in front kept every refresh from the cache.
 */
const LOST_MS = 60_000

/** True if a stale response can be refreshed after it was served. */
export function canRefresh({ call, settings }: Pick<Exchange, 'call' | 'settings'>): boolean {
  if (call.refresh === undefined || call.waitUntil === undefined) return false
  const lost = lostAt.get(settings)
  return lost === undefined || now() - lost > LOST_MS
}

/** Refreshes the stale response in the background, or before the response if `waitUntil` fails. */
export async function refreshInBackground(leader: Leader): Promise<void> {
  const { x } = leader
  const { refresh } = x.call
  if (refresh === undefined) return
  // Drop the client's conditions and its signal, because a client that disconnects must not end the refresh.
  const request = copyRequest(x.request, { method: 'GET', headers: forwardedFields(x.request.headers), signal: null })
  const work = refresh.kind === 'run' ? runAgain(leader, request, refresh.run) : resend(leader, request, refresh.send)
  await runInBackground(
    x,
    work.catch((error: unknown) => emitFailure(x, error)),
  )
}

async function runAgain(leader: Leader, request: Request, run: HandlerCall['run']): Promise<void> {
  const call = { ...leader.x.call, request, run, waitUntil: undefined }
  const head = { method: request.method, headers: request.headers }
  const response = await runLeader({ ...leader, isRefresh: true, x: { ...leader.x, call, request, head } })
  await readBody(response.body, leader.x.settings.maxBodyBytes)
}

/** Sends the request through the application. It reaches the same cache again, which calls {@link answerRefresh}. */
async function resend(
  leader: Leader,
  request: Request,
  send: Extract<Refresh, { kind: 'resend' }>['send'],
): Promise<void> {
  const token = markRefresh(request)
  pendingRefreshes.set(token, leader)
  try {
    const response = await send(request)
    await readBody(response?.body ?? null, leader.x.settings.maxBodyBytes)
  } finally {
    endRefresh(request)
    if (pendingRefreshes.delete(token)) await endLostRefresh(leader)
  }
}

async function endLostRefresh(leader: Leader): Promise<void> {
  const { x } = leader
  lostAt.set(x.settings, now())
  emitFailure(x, new RefreshError('lost'))
  await giveBackLease(x, leader.answer).finally(leader.onEnd)
}

/**
 * Runs the handler for a refresh that reached its cache again. A refresh that belongs to another response cache is
 * passed on. Handling it here would answer in that cache's place, or store fields of middleware between the two.
 */
export async function answerRefresh(
  token: string,
  call: HandlerCall,
  settings: ResponseCacheSettings,
): Promise<Response> {
  const leader = pendingRefreshes.get(token)
  if (leader?.x.settings !== settings) return (await call.pass()).response
  const { request } = call
  const head = { method: request.method, headers: request.headers }
  const x = { ...leader.x, call, request, head, front: call.frontFields() }
  // If the key has changed or cannot be computed, the refresh is lost. Its response must not be stored, and nobody
  // waits for it.
  if (!isKeyUnchanged(x)) return new Response(null, { status: 204 })
  pendingRefreshes.delete(token)
  return runLeader({ ...leader, x, isRefresh: true })
}
