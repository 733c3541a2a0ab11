/** The leader's way through the cache: it runs the handler, validates the stored response, and stores the new one. */
import type { Next } from 'hono'
import { forwardedFields, isComplete, mayStore } from '../http/index.ts'
import { type BodyEnd, cancelBody, readBody, teeBody } from './bodies.ts'
import {
  type Exchange,
  isKeyUnchanged,
  isReadable,
  markLeaseHeld,
  runInBackground,
  storeNow,
  withCacheStatus,
} from './exchange.ts'
import { freshen } from './freshen.ts'
import { ownFields, runWithoutFrontCookies } from './front-fields.ts'
import { endLeadership, finishWork, HIT_FOR_MISS_MS, hasStoreRight, type Leader, releaseLease } from './lease.ts'
import { applyCondition, type OriginResponse, respond, withForwardStatus } from './origin-response.ts'
import { type StoredEntry, timedOf } from './serve.ts'
import { staleIfError } from './stale-if-error.ts'
import { storeResponse, tagsOf, type VaryRecord, varyRecordOf } from './store-response.ts'

/** Runs the handler, answers the client, and makes sure that the lease is released. */
export async function runLeader(leader: Leader, next: Next): Promise<undefined> {
  markLeaseHeld(leader.x)
  try {
    return await runHandler(leader, next)
  } catch (error) {
    // Hono rethrows values that are not an Error, and functions of the options may throw. Release the lease in both cases.
    await endLeadership(leader, HIT_FOR_MISS_MS)
    throw error
  }
}

async function runHandler(leader: Leader, next: Next): Promise<undefined> {
  const { x, answer, fwd } = leader
  const entry = answer.entry
  const originResponse = await fetchFromHandler(x, next, entry)
  const { response, timed, error } = originResponse
  const stale = await staleIfError(x, answer, fwd)
  if (stale !== undefined) {
    await endLeadership(leader, HIT_FOR_MISS_MS)
    return respond(x, stale, 'stale')
  }
  if (error === undefined && response.status === 304 && entry !== undefined) {
    return freshen(leader, entry, originResponse)
  }
  const decision = decide(x, originResponse)
  const vary = varyRecordOf(x, answer, timed)
  const isSameKey = isKeyUnchanged(x)
  if (!decision.store || vary === undefined || !isSameKey || !hasStoreRight(leader)) {
    const refusal = vary === undefined ? 'vary' : isSameKey ? 'leased' : 'key'
    const reason = decision.reason ?? refusal
    // A partial response answers no other request, but the next one may be whole: let the waiters ask one by one until then.
    await endLeadership(leader, reason === 'partial' ? 0 : HIT_FOR_MISS_MS)
    const given = applyCondition(x, originResponse)
    if (given !== response) cancelBody(response)
    return respond(x, withForwardStatus(x, originResponse, given, { fwd, detail: reason }), 'miss')
  }
  return respondAndStore(leader, originResponse, vary)
}

/** Decides whether to store the response. The reason is also the `detail` of Cache-Status. */
function decide(x: Exchange, { response, timed, error }: OriginResponse): { store: boolean; reason?: string } {
  if (error !== undefined) return { store: false, reason: 'error' }
  // Middleware behind the cache has read the body, so its bytes are gone.
  if (!isReadable(response)) return { store: false, reason: 'body' }
  return mayStore(x.head, timed, x.settings.policy)
}

async function fetchFromHandler(x: Exchange, next: Next, entry: StoredEntry | undefined): Promise<OriginResponse> {
  const { c, request } = x
  const forwarded = forwardedFields(request.headers, entry && timedOf(entry.meta))
  // With nothing to validate, the handler may answer the range itself. Its partial response is not stored.
  if (entry === undefined) for (const name of ['range', 'if-range']) copyField(request.headers, forwarded, name)
  if (differs(request.headers, forwarded)) c.req.raw = new Request(request, { headers: forwarded })
  const requestAt = storeNow(x)
  try {
    await runWithoutFrontCookies(c, x.front, next)
  } finally {
    c.req.raw = request
  }
  const { res: response, error } = c
  // This copy is what is stored. Middleware in front may change the response itself, before or after it is stored.
  const headers = ownFields(response.headers, x.front, x.settings.policy)
  const timed = { status: response.status, headers, requestAt, responseAt: storeNow(x) }
  return { response, timed, error }
}

/** Passes the response on as it arrives, and stores it once it is complete. */
async function respondAndStore(leader: Leader, originResponse: OriginResponse, vary: VaryRecord): Promise<undefined> {
  const { x, answer, fwd } = leader
  const { response, timed } = originResponse
  if (Number(response.headers.get('content-length')) > x.settings.maxBodyBytes) {
    await endLeadership(leader, HIT_FOR_MISS_MS)
    const given = applyCondition(x, originResponse)
    if (given !== response) cancelBody(response)
    return respond(x, withForwardStatus(x, originResponse, given, { fwd, detail: 'too large' }), 'miss')
  }
  const tags = tagsOf(x, response)
  const storeBody = async (body: BodyEnd): Promise<void> => {
    // A client that disconnects proves nothing about the response, so the next request may store it: no hit-for-miss.
    if (body.kind !== 'whole') return releaseLease(leader, body.kind === 'cancelled' ? 0 : HIT_FOR_MISS_MS)
    // Fewer or more bytes than Content-Length says cannot be stored, and the next response is probably no different. In workerd,
    // `fetch` decodes a body and leaves the length of the encoded one.
    if (!isComplete(timed.headers, body.bytes.length, true)) return releaseLease(leader, HIT_FOR_MISS_MS)
    const isStored = await storeResponse(x, answer, timed, { bytes: body.bytes, ...vary, tags })
    if (!isStored) await releaseLease(leader, 0)
  }
  const status = { fwd, stored: true }
  const given = applyCondition(x, originResponse)
  const body: ReadableStream<unknown> | null = response.body
  if (body === null || given !== response) {
    // The client gets no body, so do not read the body at the client's pace.
    await runInBackground(x, finishWork(leader, readBody(body, x.settings.maxBodyBytes).then(storeBody)))
    return respond(x, withForwardStatus(x, originResponse, given, status), 'miss')
  }
  let onStored: () => void = () => {}
  const stored = runInBackground(x, new Promise((resolve) => (onStored = resolve)))
  try {
    const stream = teeBody(body, x.settings.maxBodyBytes, (end) => {
      const work = finishWork(leader, storeBody(end)).then(onStored)
      return stored === undefined ? undefined : work
    })
    const { headers, statusText } = response
    const copy = new Response(stream, { status: response.status, statusText, headers })
    return respond(x, withCacheStatus(x, copy, status), 'miss')
  } catch (error) {
    onStored()
    throw error
  }
}

function copyField(from: Headers, to: Headers, name: string): void {
  const value = from.get(name)
  if (value !== null) to.set(name, value)
}

function differs(a: Headers, b: Headers): boolean {
  const [first, second] = [[...a], [...b]]
  return (
    first.length !== second.length ||
    first.some(([name, value], i) => name !== second[i]?.[0] || value !== second[i]?.[1])
  )
}
