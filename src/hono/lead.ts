/** The request that asks the handler for all others: it validates what is stored, and stores what comes. */
import type { Next } from 'hono'
import {
  type CacheStatus,
  comparableOf,
  conditionOf,
  type ForwardReason,
  forwardedFields,
  freshenBy304,
  isNotModified,
  isServerError,
  mayServeOnError,
  mayStore,
  notModifiedFields,
  type TimedResponse,
} from '../http/index.ts'
import type { ResponseAnswer } from '../responses/store.ts'
import { CacheError } from '../values/errors.ts'
import { type Collected, collected, collecting } from './bodies.ts'
import {
  type Exchange,
  handOver,
  holding,
  replaceResponse,
  storeNow,
  tell,
  tellFailure,
  withStatus,
} from './exchange.ts'
import { keep, lifeOf, metaOf, namesOf, tagsOf } from './keep.ts'
import { type Entry, policyFor, serve, timedOf } from './serve.ts'

/** Failures after which there is nobody to give a lease back to. */
const AWAY: ReadonlySet<string> = new Set(['DATABASE', 'TIMEOUT', 'CIRCUIT_OPEN'])

/** For so long nobody waits for the next answer of a URL whose last could not be shared. */
const PASS_MS = 5_000

export interface Lead {
  readonly x: Exchange
  readonly answer: ResponseAnswer
  readonly fwd: ForwardReason
  /** Told when the lease has been given back, for those of this process who wait. */
  readonly onEnd: () => void
}

/** What the handler said, and when. */
interface Asked {
  readonly response: Response
  readonly timed: TimedResponse
  readonly error: Error | undefined
}

/** Asks the handler, answers the client, and sees to it that the lease is given back. */
export async function leadWith(lead: Lead, next: Next): Promise<undefined> {
  holding(lead.x)
  try {
    return await ledWith(lead, next)
  } catch (error) {
    // What is no Error Hono lets through, and so may a function of the options.
    await end(lead, PASS_MS)
    throw error
  }
}

async function ledWith(lead: Lead, next: Next): Promise<undefined> {
  const { x, answer, fwd } = lead
  const entry = answer.entry
  const asked = await ask(x, next, entry)
  const { response, timed, error } = asked
  const saved = await savedDay(x, entry, fwd)
  if (saved !== undefined) {
    await end(lead, PASS_MS)
    return settle(x, saved, 'stale')
  }
  if (error === undefined && response.status === 304 && entry !== undefined) return freshen(lead, entry, asked)
  const decision = error === undefined ? mayStore(x.head, timed, x.plan.policy) : { store: false, reason: 'error' }
  const names = namesOf(x, answer, timed)
  if (!decision.store || names === undefined) {
    const reason = 'reason' in decision ? String(decision.reason) : 'vary'
    // A part is no answer for those who want the whole: they ask one after the other, but only until one has come.
    await end(lead, reason === 'partial' ? 0 : PASS_MS)
    return settle(x, withStatus(x, conditional(x, asked), { fwd, detail: reason }), 'miss')
  }
  return store(lead, asked, names)
}

async function ask(x: Exchange, next: Next, entry: Entry | undefined): Promise<Asked> {
  const { c, request } = x
  const headers = forwardedFields(request.headers, entry && timedOf(entry.meta))
  // Without something to validate a range may be the handler's to cut: nothing of it is stored then.
  if (entry === undefined) for (const name of ['range', 'if-range']) copyField(request.headers, headers, name)
  if (differs(request.headers, headers)) c.req.raw = new Request(request, { headers })
  const requestAt = storeNow(x)
  try {
    await next()
  } finally {
    c.req.raw = request
  }
  const { res: response, error } = c
  const timed = { status: response.status, headers: response.headers, requestAt, responseAt: storeNow(x) }
  return { response, timed, error }
}

/** What is stored, in the place of an error of the handler's (RFC 5861 4). */
export async function savedDay(
  x: Exchange,
  entry: Entry | undefined,
  fwd: ForwardReason,
): Promise<Response | undefined> {
  const { error, res } = x.c
  if (entry === undefined || (error === undefined && !isServerError(res.status))) return undefined
  const stored = timedOf(entry.meta)
  const now = storeNow(x)
  if (!mayServeOnError(x.head, stored, now, policyFor(x, entry, stored, now))) return undefined
  const saved = await serve(x, entry, { fwd, fwdStatus: res.status, detail: 'stale-if-error' })
  if (saved !== undefined) discard(res)
  return saved
}

/** The handler says that what is stored is still right. */
async function freshen(lead: Lead, entry: Entry, { timed, response }: Omit<Asked, 'error'>): Promise<undefined> {
  const { x, fwd } = lead
  const { policy } = x.plan
  const freshened = freshenBy304(x.head, timedOf(entry.meta), timed, policy)
  if (freshened === undefined) return mismatched(lead, entry, { timed, response })
  const { isSliding, ...life } = lifeOf(x, freshened.response)
  const { bytes, base64 } = entry.meta
  const meta = metaOf(freshened.response, { bytes, base64: base64 === true, isSliding })
  const update = async () => {
    if (freshened.store === 'delete') await x.store.purge({ bases: [x.base], soft: false })
    if (freshened.store !== 'update') return release(lead, 0)
    const { key } = lead.answer
    const { status, headers } = freshened.response
    const tags = tagsOf(x, new Response(null, { status, headers }))
    await x.store.freshen({ key, token: x.token, meta, tags, ...life }, x.cost)
  }
  const served = await serve(
    x,
    { ...entry, meta },
    { fwd, fwdStatus: 304, stored: freshened.store === 'update' },
    { validated: true },
  )
  await handOver(x, finish(lead, update()))
  return settle(x, served ?? withStatus(x, response, { fwd, fwdStatus: 304 }), 'miss')
}

/**
 * The handler says that another response than the one it was asked about has not changed, and can be asked only once. A
 * client that has that one is told so; others get what is stored, for a 304 would be none for them. It is not kept.
 */
async function mismatched(lead: Lead, entry: Entry, { timed, response }: Omit<Asked, 'error'>): Promise<undefined> {
  const { x, fwd } = lead
  const condition = conditionOf(x.head, timed.responseAt)
  const isForClient = condition !== undefined && isNotModified(condition, comparableOf(timed))
  const status = { fwd, fwdStatus: 304, detail: 'validator' }
  const served = isForClient ? undefined : await serve(x, entry, status)
  await handOver(x, finish(lead, x.store.purge({ bases: [x.base], soft: false })))
  return settle(x, served ?? withStatus(x, response, status), 'miss')
}

/** Passes the response on as it comes, and stores it once it is whole. */
async function store(lead: Lead, asked: Asked, names: readonly string[]): Promise<undefined> {
  const { x, answer, fwd } = lead
  const { response, timed } = asked
  if (Number(response.headers.get('content-length')) > x.plan.maxBodyBytes) {
    await end(lead, PASS_MS)
    return settle(x, withStatus(x, conditional(x, asked), { fwd, detail: 'too large' }), 'miss')
  }
  const tags = tagsOf(x, response)
  const kept = async (body: Collected): Promise<void> => {
    // A client that leaves says nothing of the response: the next one may store it.
    if (body.kind !== 'whole') return release(lead, body.kind === 'left' ? 0 : PASS_MS)
    const stored = await keep(x, answer, timed, { bytes: body.bytes, names, tags })
    if (!stored) await release(lead, 0)
  }
  const status: CacheStatus = { fwd, stored: true }
  const notModified = conditional(x, asked)
  const body = response.body as ReadableStream<Uint8Array> | null
  if (body === null || notModified !== response) {
    // Nothing of the body goes to the client, so nothing of it waits for the client either.
    await handOver(x, finish(lead, collected(body, x.plan.maxBodyBytes).then(kept)))
    return settle(x, withStatus(x, notModified, status), 'miss')
  }
  let hasEnded: () => void = () => {}
  const ended = handOver(x, new Promise((resolve) => (hasEnded = resolve)))
  const stream = collecting(body, x.plan.maxBodyBytes, (result) => {
    const work = finish(lead, kept(result)).then(hasEnded)
    return ended === undefined ? undefined : work
  })
  const { headers, statusText } = response
  return settle(
    x,
    withStatus(x, new Response(stream, { status: response.status, statusText, headers }), status),
    'miss',
  )
}

/** A 304 in the place of a response that the client has already; the handler was not shown the client's condition. */
function conditional(x: Exchange, { response, timed }: Asked): Response {
  const condition = response.status === 200 ? conditionOf(x.head, timed.responseAt) : undefined
  if (condition === undefined || !isNotModified(condition, comparableOf(timed))) return response
  return new Response(null, { status: 304, headers: notModifiedFields(response.headers) })
}

function settle(x: Exchange, response: Response, type: 'miss' | 'stale'): undefined {
  tell(x, type)
  replaceResponse(x.c, response)
}

async function end(lead: Lead, passMs: number): Promise<void> {
  await handOver(lead.x, finish(lead, release(lead, passMs)))
}

async function release({ x, answer }: Lead, passMs: number): Promise<void> {
  await x.store.release(answer.key, x.token, passMs, x.cost)
}

/** Work after the answer: its failure is only told. */
async function finish(lead: Lead, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    tellFailure(lead.x, error)
    // The store answered, and refused: nobody need wait until the lease has run out.
    if (!isAway(error)) await release(lead, PASS_MS).catch(() => {})
  } finally {
    lead.onEnd()
  }
}

function isAway(error: unknown): boolean {
  return !(error instanceof CacheError) || AWAY.has(error.code)
}

/** Nobody reads it: without this, whoever makes it might wait for that. */
function discard({ body }: Response): void {
  body?.cancel().catch(() => {})
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
