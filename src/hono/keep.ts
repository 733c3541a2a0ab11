/** What of a handler's response goes into the store, and for how long. */
import {
  comparableOf,
  dateOf,
  fieldsToStore,
  freshness,
  hasValidator,
  isComplete,
  joinVary,
  responseTags,
  servingSpans,
  type TimedResponse,
  varyNames,
} from '../http/index.ts'
import type { ResponseAnswer, ResponseFreshening, ResponseMeta } from '../postgres/responses/store.ts'
import { bodyText } from './bodies.ts'
import type { Exchange } from './exchange.ts'

export interface Names {
  readonly names: readonly string[]
  readonly forgets: boolean
}

/**
 * The fields that the URL's responses vary on, this one included; only its own where all together are too many. Undefined
 * where its own are, or where it varies on everything.
 */
export function namesOf(x: Exchange, answer: ResponseAnswer, response: TimedResponse): Names | undefined {
  const own = varyNames(response.headers, x.plan.policy)
  // Whoever compresses has asked the client, whether or not it says so.
  const negotiated = response.headers.has('content-encoding') ? ['accept-encoding'] : []
  const all = joinVary([...(answer.names ?? []), ...negotiated], own)
  if (all !== '*') return { names: all, forgets: false }
  const names = joinVary(negotiated, own)
  return names === '*' ? undefined : { names, forgets: true }
}

/** How long a response is fresh, and kept; and whether hits prolong it. */
export function lifeOf(
  x: Exchange,
  response: TimedResponse,
): Pick<ResponseFreshening, 'deadline' | 'maxAgeMs' | 'keptMs'> & { isSliding: boolean } {
  const { policy, sliding, validatableMs } = x.plan
  const { freshMs, staleMs } = servingSpans(response, policy)
  const keptMs = Math.max(staleMs - freshMs, hasValidator(response) ? validatableMs : 0)
  if (sliding !== undefined && freshness(response, policy).source === 'default') {
    return { deadline: { kind: 'after', ms: sliding.lifeMs }, maxAgeMs: sliding.maxAgeMs, keptMs, isSliding: true }
  }
  return { deadline: { kind: 'at', epochMs: response.responseAt + freshMs }, maxAgeMs: null, keptMs, isSliding: false }
}

export function metaOf(
  response: TimedResponse,
  body: { bytes: number; base64: boolean; isSliding: boolean },
): ResponseMeta {
  const { tag, modifiedAt } = comparableOf(response)
  return {
    status: response.status,
    headers: [...response.headers],
    requestAt: response.requestAt,
    responseAt: response.responseAt,
    date: dateOf(response),
    ...(tag === undefined ? {} : { tag }),
    modifiedAt,
    bytes: body.bytes,
    ...(body.base64 ? { base64: true as const } : {}),
    ...(body.isSliding ? { sliding: true as const } : {}),
    vary: [],
  }
}

/** @param response as it is stored, so that the tags of a validated one are still its own */
export function tagsOf(x: Exchange, response: Response): readonly string[] {
  const own = x.plan.tagsOf?.(x.c, response) ?? []
  return [
    ...new Set([...responseTags(new URL(x.request.url), response.headers), ...(typeof own === 'string' ? [own] : own)]),
  ]
}

/** Stores a response with its whole body; false where it is incomplete or was refused. */
export async function keep(
  x: Exchange,
  answer: ResponseAnswer,
  response: TimedResponse,
  { bytes, names, forgets, tags }: { bytes: Uint8Array; tags: readonly string[] } & Names,
): Promise<boolean> {
  if (!isComplete(response.headers, bytes.length, true)) return false
  const { text, base64 } = bodyText(bytes)
  const { isSliding, ...life } = lifeOf(x, response)
  const stored = { ...response, headers: fieldsToStore(response, x.plan.policy) }
  return x.store.fill(
    {
      base: x.base,
      key: answer.key,
      token: x.token,
      passedAt: answer.passedAt,
      digests: x.digests,
      names,
      forgets,
      meta: metaOf(stored, { bytes: bytes.length, base64, isSliding }),
      body: text,
      ...life,
      tags,
      computeMs: response.responseAt - response.requestAt,
      maxVariants: x.plan.maxVariants,
    },
    x.cost,
  )
}
