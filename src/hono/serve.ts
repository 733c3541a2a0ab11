/** Answers from a stored response. */
import {
  answer,
  type CacheStatus,
  currentAgeMs,
  type ForwardReason,
  mustNotForward,
  type Policy,
  type Reuse,
  reuse,
  type TimedResponse,
} from '../http/index.ts'
import type { ResponseAnswer, ResponseMeta } from '../postgres/responses/store.ts'
import { bodyPart } from './bodies.ts'
import { type Exchange, read, storeNow, tellFailure, withStatus } from './exchange.ts'

/** Statuses whose `Response` takes no body, not even an empty one. */
const NULL_BODY = new Set([101, 204, 205, 304])
const MS_PER_SECOND = 1_000

export type Entry = NonNullable<ResponseAnswer['entry']>

export function timedOf({ status, headers, requestAt, responseAt, staleSince }: ResponseMeta): TimedResponse {
  return {
    status,
    headers: new Headers(headers.map(([name, value]) => [name, value])),
    requestAt,
    responseAt,
    staleSince,
  }
}

/** Whether what is stored may answer, by the policy; a sliding response lives as long as its row does. */
export function judge(x: Exchange, answer: ResponseAnswer): Reuse | undefined {
  const { entry } = answer
  if (entry === undefined) return undefined
  const now = storeNow(x)
  const stored = timedOf(entry.meta)
  const judged = reuse(x.head, stored, now, policyFor(x, entry, stored, now))
  if (isSelected(x, answer)) return judged
  return { ...judged, use: mustNotForward(x.head, x.plan.policy) ? 'gateway-timeout' : 'validate', fwd: 'stale' }
}

/** Whether it is this request's: stored before the option named its fields, it may be for another value of theirs. */
export function isSelected(x: Exchange, { names }: ResponseAnswer): boolean {
  return x.plan.policy.vary.every((name) => names?.includes(name))
}

export function policyFor(x: Exchange, { meta, expiresAt }: Entry, stored: TimedResponse, now: number): Policy {
  const { policy } = x.plan
  if (!meta.sliding || expiresAt === undefined) return policy
  // Its deadline has moved since it was stored.
  return { ...policy, defaultLifetime: Math.max(0, expiresAt - now + currentAgeMs(stored, now)) / MS_PER_SECOND }
}

/** The response to this request: whole, a part, its head, or that nothing changed. */
export async function serve(
  x: Exchange,
  entry: Entry,
  status: CacheStatus,
  { validated = false } = {},
): Promise<Response | undefined> {
  const { meta, body } = entry
  const given = answer(x.head, timedOf(meta), { now: storeNow(x), bodyBytes: meta.bytes, validated })
  const part = NULL_BODY.has(given.status) ? 'none' : given.body
  if (part !== 'none' && body === undefined) {
    // It was left in the database for a condition that does not hold after all; by now another may be there.
    const again = await readAgain(x)
    if (again?.body === undefined) return undefined
    return isSame(again.meta, meta) ? serve(x, { ...again, meta }, status, { validated }) : serve(x, again, status)
  }
  const content = part === 'none' ? null : bodyPart(body ?? '', meta.base64 === true, part)
  return withStatus(x, new Response(content, { status: given.status, headers: given.headers }), status)
}

/** Undefined where it is gone, or cannot be had: then the request goes on as if it had not been found. */
async function readAgain(x: Exchange): Promise<Entry | undefined> {
  try {
    return (await read(x, { whole: true })).entry
  } catch (error) {
    tellFailure(x, error)
    return undefined
  }
}

/** Whether they have the same body, for all that is known without it. */
function isSame(a: ResponseMeta, b: ResponseMeta): boolean {
  return a.tag !== undefined && a.tag === b.tag && a.bytes === b.bytes && a.status === b.status
}

/** Why a request goes to the handler (RFC 9211 2.2). */
export function forwardReason({ entry, names }: ResponseAnswer, judged: Reuse | undefined): ForwardReason {
  if (judged?.fwd !== undefined) return judged.fwd
  if (entry !== undefined) return 'stale'
  if (names === undefined) return 'uri-miss'
  return names.length === 0 ? 'miss' : 'vary-miss'
}
