/** Which parts of a handler's response are stored, and for how long. */
import {
  comparableOf,
  dateOf,
  fieldsToStore,
  freshness,
  hasValidator,
  joinVary,
  responseTags,
  servingSpans,
  type TimedResponse,
  varyNames,
} from '../http/index.ts'
import type { ResponseAnswer, ResponseFreshening, ResponseMeta } from '../postgres/responses/store.ts'
import type { Exchange } from './exchange.ts'

/** The field names that a URL's row remembers, because its responses vary on them. */
export interface VaryRecord {
  readonly names: readonly string[]
  /** Whether the names of earlier responses are dropped. */
  readonly forgets: boolean
}

/**
 * Returns the fields that the URL's responses vary on, this response included. If they are too many together, only those of
 * this response remain. If its own are too many, or it varies on everything, the result is undefined.
 */
export function varyRecordOf(x: Exchange, answer: ResponseAnswer, response: TimedResponse): VaryRecord | undefined {
  const own = varyNames(response.headers, x.settings.policy)
  // An encoded response depends on Accept-Encoding, even if its Vary does not say so.
  const negotiated = response.headers.has('content-encoding') ? ['accept-encoding'] : []
  const all = joinVary([...(answer.names ?? []), ...negotiated], own)
  if (all !== '*') return { names: all, forgets: false }
  const names = joinVary(negotiated, own)
  return names === '*' ? undefined : { names, forgets: true }
}

/** Returns how long a response is fresh, how long it is kept after that, and whether hits extend its deadline. */
export function lifetimeOf(
  x: Exchange,
  response: TimedResponse,
): Pick<ResponseFreshening, 'deadline' | 'maxAgeMs' | 'retentionMs'> & { isSliding: boolean } {
  const { policy, sliding, validatableMs } = x.settings
  const { freshMs, staleMs } = servingSpans(response, policy)
  const retentionMs = Math.max(staleMs - freshMs, hasValidator(response) ? validatableMs : 0)
  if (sliding !== undefined && freshness(response, policy).source === 'default') {
    return { deadline: { kind: 'after', ms: sliding.lifeMs }, maxAgeMs: sliding.maxAgeMs, retentionMs, isSliding: true }
  }
  return {
    deadline: { kind: 'at', epochMs: response.responseAt + freshMs },
    maxAgeMs: null,
    retentionMs,
    isSliding: false,
  }
}

export function metaOf(response: TimedResponse, body: { bytes: number; isSliding: boolean }): ResponseMeta {
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
    ...(body.isSliding ? { sliding: true as const } : {}),
    vary: [],
  }
}

/** @param response the response as stored. After a 304 it still has the fields that name its tags. */
export function tagsOf(x: Exchange, response: Response): readonly string[] {
  const own = x.settings.tagsOf?.(x.c, response) ?? []
  return [
    ...new Set([...responseTags(new URL(x.request.url), response.headers), ...(typeof own === 'string' ? [own] : own)]),
  ]
}

/** Stores a response with its whole body. Returns false if the store refused it. @param bytes must be complete */
export async function storeResponse(
  x: Exchange,
  answer: ResponseAnswer,
  response: TimedResponse,
  { bytes, names, forgets, tags }: { bytes: Uint8Array; tags: readonly string[] } & VaryRecord,
): Promise<boolean> {
  const { isSliding, ...lifetime } = lifetimeOf(x, response)
  const stored = { ...response, headers: fieldsToStore(response, x.settings.policy) }
  return x.store.fill(
    {
      base: x.base,
      key: answer.key,
      token: x.token,
      hitForMissSnapshot: answer.hitForMissSnapshot,
      digests: x.digests,
      names,
      forgets,
      meta: metaOf(stored, { bytes: bytes.length, isSliding }),
      body: bytes,
      ...lifetime,
      tags,
      computeMs: response.responseAt - response.requestAt,
      maxVariants: x.settings.maxVariants,
    },
    x.cost,
  )
}
