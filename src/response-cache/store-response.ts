/** Chooses the parts of a handler's response to store, and for how long. */
import {
  comparableOf,
  dateOf,
  fieldsToStore,
  lifetimeOf,
  responseTags,
  type TimedResponse,
  type VaryRecord,
} from '../http/index.ts'
import type { ResponseAnswer, ResponseMeta } from '../postgres/responses/store.ts'
import { storedTags } from '../values/key.ts'
import type { Exchange } from './exchange.ts'

export function metaOf(
  response: TimedResponse,
  body: Pick<ResponseMeta, 'bytes' | 'decoded' | 'parts'> & { isSliding: boolean },
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
    ...(body.decoded ? { decoded: true as const } : {}),
    ...(body.parts ? { parts: body.parts } : {}),
    ...(body.isSliding ? { sliding: true as const } : {}),
    vary: [],
  }
}

/**
 * Returns the tags of a response: from its fields, and from the `tags` option.
 *
 * @param response the response as stored. After a 304 it still has the fields that name its tags.
 */
export function tagsOf(x: Exchange, response: Response): readonly string[] {
  const own = x.settings.tagsOf?.(x.call.context, response) ?? []
  const tags = typeof own === 'string' ? [own] : [...own]
  // Refuse an invalid tag before the response is sent. Otherwise nothing would ever be stored, and only an event would
  // report it.
  storedTags(tags)
  return [...new Set([...responseTags(new URL(x.request.url), response.headers), ...tags])]
}

interface StoredParts {
  readonly bytes: Uint8Array
  /** Set if bytes of the body are missing. */
  readonly parts?: ResponseMeta['parts']
  /** Whether the bytes are not encoded, although Content-Encoding names a coding. */
  readonly isDecoded: boolean
  readonly tags: readonly string[]
}

/** Stores a response with its body. Returns false if the store refused it. */
export async function storeResponse(
  x: Exchange,
  answer: ResponseAnswer,
  response: TimedResponse,
  { bytes, parts, isDecoded, names, forgets, tags }: StoredParts & VaryRecord,
): Promise<boolean> {
  const { isSliding, ...lifetime } = lifetimeOf(response, x.settings.policy, x.settings)
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
      meta: metaOf(stored, {
        bytes: bytes.length,
        isSliding,
        ...(isDecoded ? { decoded: true } : {}),
        ...(parts ? { parts } : {}),
      }),
      body: bytes,
      ...lifetime,
      tags,
      computeMs: response.responseAt - response.requestAt,
      maxVariants: x.settings.maxVariants,
    },
    x.cost,
  )
}
