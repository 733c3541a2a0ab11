/** Prepares stored values for people to read, and for download. */
import { devalueCodec } from '../codecs/devalue-codec.ts'
import { bodyBytes } from '../postgres/responses/row.ts'
import { toBase64 } from '../values/base64.ts'
import { isBytes } from '../values/bytes.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { escapeInvisible, shorten } from './format.ts'
import { parseJson } from './parse-json.ts'
import { bodyOf, type StoredResponse, storedResponse } from './stored-response.ts'

/** A page fetches at most this much of a value. */
export const FETCHED_CHARACTERS = 32_768
/**
 * A page shows at most this much. Even with every character escaped and all other texts at their longest, it stays
 * below 50 KB.
 */
const SHOWN_CHARACTERS = 2_400
/** Each level is indented, so thousands of nested brackets would become gigabytes of blanks. */
const MAX_DEPTH = 32
/** Neither of the two codecs below uses the key. */
const NO_KEY = { key: '' }

export interface StoredText {
  readonly value: string | null
  readonly number: string | null
}

export interface Shown {
  readonly text: string
  /** True if the text is longer than the page shows. */
  readonly isTruncated: boolean
  /** The form of the text. */
  readonly how:
    | 'JSON'
    | 'number'
    | 'decoded'
    | 'bytes in base64'
    | 'as stored'
    | 'as stored, because the codec cannot decode it'
    | 'as stored, because it is too long to decode here'
}

/**
 * Returns the first part of a value. Indents JSON. Decodes a value of another codec, or shows the stored text if that
 * fails.
 *
 * @param characters the length of the whole value. If it is longer than the fetched part, only the first part is available.
 */
export async function presentValue(stored: StoredText, characters: number, key: string, codec: Codec): Promise<Shown> {
  if (stored.number !== null) return truncate(stored.number, 'number')
  if (stored.value === null) return truncate('null', 'JSON')
  if (characters > FETCHED_CHARACTERS) return { ...truncate(stored.value, 'as stored'), isTruncated: true }
  const json = parseJson(stored.value)
  if (json !== undefined) return truncate(indentJson(json, stored.value), 'JSON')
  try {
    const value = await codec.decode(stored.value, { key })
    if (isBytes(value)) return truncate(toBase64(value), 'bytes in base64')
    return truncate((await textOf(value)).text, 'decoded')
  } catch {
    return truncate(stored.value, 'as stored, because the codec cannot decode it')
  }
}

/** Returns the first part of a response's body. @param characters the length of the whole stored text */
export async function presentBody(
  response: StoredResponse,
  text: string,
  characters: number,
  key: string,
  codec: Codec,
): Promise<Shown> {
  if (response.bodyId === undefined && response.fields !== undefined) return truncate(text, 'as stored')
  // A codec needs the whole text.
  if (characters > text.length) {
    return { ...truncate(text, 'as stored, because it is too long to decode here'), isTruncated: true }
  }
  const body = await bodyOf(response, text, key, codec)
  return body === undefined
    ? truncate(text, 'as stored, because the codec cannot decode it')
    : truncate(body, 'decoded')
}

export interface Download {
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly extension: 'json' | 'txt' | 'bin'
}

/**
 * Returns a whole value: the bytes of a response's body, otherwise JSON, or the stored text if it cannot be decoded.
 */
export async function downloadOf(
  stored: StoredText & { readonly meta: string | null },
  key: string,
  codec: Codec,
): Promise<Download> {
  const response = await storedResponse(stored.meta, key, codec)
  if (response !== undefined) return downloadOfBody(response, stored.value ?? '', key, codec)
  if (stored.number !== null) return { body: stored.number, extension: 'json' }
  if (stored.value === null) return { body: 'null', extension: 'json' }
  if (parseJson(stored.value) !== undefined) return { body: stored.value, extension: 'json' }
  try {
    const value = await codec.decode(stored.value, { key })
    if (isBytes(value)) return { body: Uint8Array.from(value), extension: 'bin' }
    const { text, extension } = await textOf(value)
    return { body: text, extension }
  } catch {
    return { body: stored.value, extension: 'txt' }
  }
}

async function downloadOfBody(response: StoredResponse, text: string, key: string, codec: Codec): Promise<Download> {
  const body = await bodyOf(response, text, key, codec)
  if (body === undefined) return { body: text, extension: 'txt' }
  return { body: bodyBytes(body, response.isBase64), extension: 'bin' }
}

function truncate(text: string, how: Shown['how']): Shown {
  return {
    // Shortens before, because the text may be long, and after, because escaping makes it longer.
    text: shorten(escapeInvisible(shorten(text, SHOWN_CHARACTERS), 'layout'), SHOWN_CHARACTERS),
    isTruncated: text.length > SHOWN_CHARACTERS,
    how,
  }
}

function indentJson(json: unknown, text: string): string {
  return depthOf(text) > MAX_DEPTH ? text : JSON.stringify(json, null, 2)
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth)
    else if (token === ']' || token === '}') depth--
  }
  return deepest
}

/**
 * Writes a decoded value as JSON, or as devalue writes it if JSON would lose a part. A Map would look empty in JSON.
 */
async function textOf(value: unknown): Promise<{ text: string; extension: 'json' | 'txt' }> {
  if (typeof value === 'string') return { text: value, extension: 'json' }
  try {
    await jsonCodec.encode(value, NO_KEY)
    return { text: JSON.stringify(value, null, 2), extension: 'json' }
  } catch {
    return { text: await devalueCodec.encode(value, NO_KEY), extension: 'txt' }
  }
}
