/** The request that asks the handler for all others: it validates what is stored, and stores what comes. */
import type { Next } from 'hono'
import { forwardedFields, mayStore } from '../http/index.ts'
import { type Asked, conditional, passedOn, settle } from './asked.ts'
import { type Collected, collected, collecting } from './bodies.ts'
import { type Exchange, handOver, holding, storeNow, withStatus } from './exchange.ts'
import { freshen } from './freshen.ts'
import { keep, type Names, namesOf, tagsOf } from './keep.ts'
import { end, finish, type Lead, mayKeep, PASS_MS, release } from './lease.ts'
import { savedDay } from './saved-day.ts'
import { type Entry, timedOf } from './serve.ts'

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
  const saved = await savedDay(x, answer, fwd)
  if (saved !== undefined) {
    await end(lead, PASS_MS)
    return settle(x, saved, 'stale')
  }
  if (error === undefined && response.status === 304 && entry !== undefined) return freshen(lead, entry, asked)
  const decision = error === undefined ? mayStore(x.head, timed, x.plan.policy) : { store: false, reason: 'error' }
  const names = namesOf(x, answer, timed)
  if (!decision.store || names === undefined || !mayKeep(lead)) {
    const reason = 'reason' in decision ? String(decision.reason) : names === undefined ? 'vary' : 'leased'
    // A part is no answer for those who want the whole: they ask one after the other, but only until one has come.
    await end(lead, reason === 'partial' ? 0 : PASS_MS)
    return settle(x, passedOn(x, asked, conditional(x, asked), { fwd, detail: reason }), 'miss')
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

/** Passes the response on as it comes, and stores it once it is whole. */
async function store(lead: Lead, asked: Asked, names: Names): Promise<undefined> {
  const { x, answer, fwd } = lead
  const { response, timed } = asked
  if (Number(response.headers.get('content-length')) > x.plan.maxBodyBytes) {
    await end(lead, PASS_MS)
    return settle(x, passedOn(x, asked, conditional(x, asked), { fwd, detail: 'too large' }), 'miss')
  }
  const tags = tagsOf(x, response)
  const kept = async (body: Collected): Promise<void> => {
    // A client that leaves says nothing of the response: the next one may store it.
    if (body.kind !== 'whole') return release(lead, body.kind === 'left' ? 0 : PASS_MS)
    const stored = await keep(x, answer, timed, { bytes: body.bytes, ...names, tags })
    if (!stored) await release(lead, 0)
  }
  const status = { fwd, stored: true }
  const notModified = conditional(x, asked)
  const body = response.body as ReadableStream<Uint8Array> | null
  if (body === null || notModified !== response) {
    // Nothing of the body goes to the client, so nothing of it waits for the client either.
    await handOver(x, finish(lead, collected(body, x.plan.maxBodyBytes).then(kept)))
    return settle(x, passedOn(x, asked, notModified, status), 'miss')
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
