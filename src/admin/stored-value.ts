/** Stored values as people read them, and as they are downloaded. */
import { devalueCodec } from '../codecs/devalue-codec.ts'
import { bodyBytes } from '../postgres/responses/row.ts'
import { toBase64 } from '../values/base64.ts'
import { isBytes } from '../values/bytes.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { shortened, visible } from './format.ts'
import { parsed } from './parsed.ts'
import { bodyOf, type StoredResponse, storedResponse } from './stored-response.ts'

/** What is fetched of a value to be shown. */
export const FETCHED_CHARACTERS = 32_768
/** What a page shows: with every character escaped, and all else as long as it can be, it stays below 50 KB. */
const SHOWN_CHARACTERS = 2_400
/** Each level is indented: thousands of brackets would become gigabytes of blanks. */
const MAX_DEPTH = 32
/** Neither of the two codecs below asks for the key. */
const NO_KEY = { key: '' }

export interface StoredText {
  readonly value: string | null
  readonly number: string | null
}

export interface Shown {
  readonly text: string
  /** Whether there is more than is shown. */
  readonly isCut: boolean
  /** What was done to it, in a word. */
  readonly how:
    | 'JSON'
    | 'decoded'
    | 'bytes in base64'
    | 'as stored'
    | 'could not be decoded, as stored'
    | 'encoded, too long to decode here'
}

/**
 * A value's beginning. JSON is indented; what another codec wrote is decoded first, and shown as stored where that fails.
 *
 * @param characters of the whole value: of what is longer than was fetched, only the beginning is there
 */
export async function shownValue(stored: StoredText, characters: number, key: string, codec: Codec): Promise<Shown> {
  if (stored.number !== null) return cut(stored.number, 'as stored')
  if (stored.value === null) return cut('null', 'JSON')
  if (characters > FETCHED_CHARACTERS) return { ...cut(stored.value, 'as stored'), isCut: true }
  const json = parsed(stored.value)
  if (json !== undefined) return cut(indented(json, stored.value), 'JSON')
  try {
    const value = await codec.decode(stored.value, { key })
    if (isBytes(value)) return cut(toBase64(value), 'bytes in base64')
    return cut((await textOf(value)).text, 'decoded')
  } catch {
    return cut(stored.value, 'could not be decoded, as stored')
  }
}

/** The beginning of a response's body. @param characters of the whole stored text */
export async function shownBody(
  response: StoredResponse,
  text: string,
  characters: number,
  key: string,
  codec: Codec,
): Promise<Shown> {
  if (response.bodyId === undefined && response.fields !== undefined) return cut(text, 'as stored')
  // Without its end, it cannot be decoded.
  if (characters > text.length) return { ...cut(text, 'encoded, too long to decode here'), isCut: true }
  const body = await bodyOf(response, text, key, codec)
  return body === undefined ? cut(text, 'could not be decoded, as stored') : cut(body, 'decoded')
}

export interface Download {
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly extension: 'json' | 'txt' | 'bin'
}

/** A value whole: a response's body as its bytes, all else as JSON, and as it is stored where it cannot be decoded. */
export async function downloadOf(
  stored: StoredText & { readonly meta: string | null },
  key: string,
  codec: Codec,
): Promise<Download> {
  const response = await storedResponse(stored.meta, key, codec)
  if (response !== undefined) return downloadOfBody(response, stored.value ?? '', key, codec)
  if (stored.number !== null) return { body: stored.number, extension: 'json' }
  if (stored.value === null) return { body: 'null', extension: 'json' }
  if (parsed(stored.value) !== undefined) return { body: stored.value, extension: 'json' }
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

function cut(text: string, how: Shown['how']): Shown {
  return {
    // Once more, as what is made visible is longer; before, as a text may be long.
    text: shortened(visible(shortened(text, SHOWN_CHARACTERS), 'layout'), SHOWN_CHARACTERS),
    isCut: text.length > SHOWN_CHARACTERS,
    how,
  }
}

function indented(json: unknown, text: string): string {
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

/** A decoded value as JSON, or as devalue writes it if JSON would lose a part: a Map would look empty. */
async function textOf(value: unknown): Promise<{ text: string; extension: 'json' | 'txt' }> {
  if (typeof value === 'string') return { text: value, extension: 'json' }
  try {
    await jsonCodec.encode(value, NO_KEY)
    return { text: JSON.stringify(value, null, 2), extension: 'json' }
  } catch {
    return { text: await devalueCodec.encode(value, NO_KEY), extension: 'txt' }
  }
}
