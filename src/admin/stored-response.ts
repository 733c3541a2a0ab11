/** Reads stored responses from their rows. */
import { decodeBodyText } from '../postgres/responses/row.ts'
import type { Codec } from '../values/codec.ts'
import { parseJson } from './parse-json.ts'

export interface StoredResponse {
  readonly status: number
  /** The header fields; undefined if the cache's codec cannot decode them. */
  readonly fields: readonly (readonly [string, string])[] | undefined
  readonly isBase64: boolean
  /** Set if a codec wrote the body. */
  readonly bodyId: string | undefined
}

/** Returns undefined if the entry is not a response, or only names the fields that the responses of a URL vary on. */
export async function storedResponse(
  meta: string | null,
  key: string,
  codec: Codec,
): Promise<StoredResponse | undefined> {
  const clear = Object(meta === null ? null : parseJson(meta))
  if (typeof clear.status !== 'number') return undefined
  const encoded: unknown = clear.fields
  const { headers, base64, bodyId } = Object(
    typeof encoded === 'string' ? await decodeOrUndefined(encoded, key, codec) : clear,
  )
  return {
    status: clear.status,
    fields: Array.isArray(headers) ? headers.filter(isField) : undefined,
    isBase64: base64 === true,
    bodyId: typeof bodyId === 'string' ? bodyId : undefined,
  }
}

/** Returns the whole body as text, or as base64 if it is not text. Undefined if the cache's codec cannot decode it. */
export async function bodyOf(
  { fields, bodyId }: StoredResponse,
  value: string,
  key: string,
  codec: Codec,
): Promise<string | undefined> {
  if (fields === undefined) return undefined
  if (bodyId === undefined) return value
  try {
    return await decodeBodyText({ key, value, bodyId }, codec)
  } catch {
    return undefined
  }
}

async function decodeOrUndefined(text: string, key: string, codec: Codec): Promise<unknown> {
  try {
    return await codec.decode(text, { key })
  } catch {
    return undefined
  }
}

function isField(field: unknown): field is [string, string] {
  return Array.isArray(field) && field.length === 2 && field.every((part) => typeof part === 'string')
}
