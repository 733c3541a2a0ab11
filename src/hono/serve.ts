/** Answers requests from a stored response. */
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
import { type Exchange, emitFailure, read, storeNow, withCacheStatus } from './exchange.ts'

/** Statuses for which `new Response` refuses any body, even an empty one. */
const NULL_BODY = new Set([101, 204, 205, 304])
const MS_PER_SECOND = 1_000

export type StoredEntry = NonNullable<ResponseAnswer['entry']>

export function timedOf({ status, headers, requestAt, responseAt, staleSince }: ResponseMeta): TimedResponse {
  return {
    status,
    headers: new Headers(headers.map(([name, value]) => [name, value])),
    requestAt,
    responseAt,
    staleSince,
  }
}

/** Decides by the policy whether the stored response may answer. A sliding response lives as long as its row. */
export function judge(x: Exchange, answer: ResponseAnswer): Reuse | undefined {
  const { entry } = answer
  if (entry === undefined) return undefined
  const now = storeNow(x)
  const stored = timedOf(entry.meta)
  const judged = reuse(x.head, stored, now, policyFor(x, entry, stored, now))
  if (matchesVary(x, answer)) return judged
  return { ...judged, use: mustNotForward(x.head, x.settings.policy) ? 'gateway-timeout' : 'validate', fwd: 'stale' }
}

/**
 * True if the stored response was selected by all fields of the `vary` option. If it was stored before the option named a
 * field, it may belong to another value of that field.
 */
export function matchesVary(x: Exchange, { names }: ResponseAnswer): boolean {
  return x.settings.policy.vary.every((name) => names?.includes(name))
}

export function policyFor(x: Exchange, { meta, expiresAt }: StoredEntry, stored: TimedResponse, now: number): Policy {
  const { policy } = x.settings
  if (!meta.sliding || expiresAt === undefined) return policy
  // Hits have moved the row's deadline since the response was stored, so derive its lifetime from the row.
  return { ...policy, defaultLifetime: Math.max(0, expiresAt - now + currentAgeMs(stored, now)) / MS_PER_SECOND }
}

/** Answers this request from the stored response: the whole body, a range, the head, or a 304. Undefined if it is gone. */
export async function serve(
  x: Exchange,
  entry: StoredEntry,
  status: CacheStatus,
  { validated = false } = {},
): Promise<Response | undefined> {
  const { meta, body } = entry
  const given = answer(x.head, timedOf(meta), { now: storeNow(x), bodyBytes: meta.bytes, validated })
  const part = NULL_BODY.has(given.status) ? 'none' : given.body
  const content = part === 'none' ? null : body && bodyPart(body, part, meta.bytes)
  if (content === undefined) {
    // The statement left the body in the database, or a part of it, but the client needs it after all. Read again: another
    // response may be stored by now.
    const again = await readAgain(x)
    if (again?.body === undefined) return undefined
    return isSame(again.meta, meta) ? serve(x, { ...again, meta }, status, { validated }) : serve(x, again, status)
  }
  return withCacheStatus(x, new Response(content, { status: given.status, headers: given.headers }), status)
}

/** Returns undefined if the response is gone or the read fails. The request then goes on as after a miss. */
async function readAgain(x: Exchange): Promise<StoredEntry | undefined> {
  try {
    return (await read(x, { whole: true })).entry
  } catch (error) {
    emitFailure(x, error)
    return undefined
  }
}

/** True if both have the same body, as far as their metadata can tell. */
function isSame(a: ResponseMeta, b: ResponseMeta): boolean {
  return a.tag !== undefined && a.tag === b.tag && a.bytes === b.bytes && a.status === b.status
}

/** Returns why a request goes to the handler (RFC 9211 2.2). */
export function forwardReason({ entry, names }: ResponseAnswer, judged: Reuse | undefined): ForwardReason {
  if (judged?.fwd !== undefined) return judged.fwd
  if (entry !== undefined) return 'stale'
  if (names === undefined) return 'uri-miss'
  return names.length === 0 ? 'miss' : 'vary-miss'
}
