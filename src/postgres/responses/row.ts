/**
 * The columns `meta` and `value` of a response's row.
 *
 * With the JSON codec both are readable in psql: `meta` is a {@link ResponseMeta} as JSON, and `value` is the body. Any
 * other codec encodes the body, and encodes all of the metadata into the member `fields` of `meta`. The codec gets the
 * stored key as context, so that a row moved to another key cannot be decoded.
 *
 * Beside `fields`, `meta` repeats in clear the values that the statements compare. These are the status, two instants,
 * whether hits extend the deadline, and the codec's digest of the entity tag. They only decide whether a body moves,
 * and which of two responses is newer. The caller gets the values in `fields`.
 */
import { fromBase64, toBase64 } from '../../values/base64.ts'
import { type Codec, decodeValue, encodeValue, jsonCodec } from '../../values/codec.ts'
import { UnreadableValueError } from '../../values/errors.ts'
import { randomUUID } from '../../values/random.ts'
import { withoutContent } from '../../values/redact.ts'
import type { BodyForm, ResponseMeta } from './store.ts'

/** A client may send thousands of tags, and each digest takes some 10 µs. */
const MAX_DIGESTS = 32

export interface RowSettings {
  readonly codec: Codec
  readonly maxValueBytes: number
}

/** A stored response as the statement returns it. */
export interface ResponseColumns {
  readonly key: string
  readonly meta: unknown
  /** Null if the statement left the body in the database. */
  readonly value: string | null
  /** If set, `value` is a part of the body in base64 that starts at this position. */
  readonly partOffset: number | null
}

export interface DecodedResponse {
  readonly meta: ResponseMeta
  readonly form: BodyForm
  readonly body: { readonly bytes: Uint8Array<ArrayBuffer>; readonly offset: number } | undefined
}

/** @throws UnserializableValueError, ValueTooLargeError */
export async function encodeResponse(
  { base, key, meta, body }: { base: string; key: string; meta: ResponseMeta; body: Uint8Array },
  settings: RowSettings,
): Promise<{ meta: string; value: string }> {
  const { text, base64 } = bodyText(body)
  const form: BodyForm = {
    ...(base64 ? { base64: true } : {}),
    ...(settings.codec === jsonCodec ? {} : { bodyId: randomUUID() }),
  }
  return {
    meta: await encodeMeta({ base, key, meta, form }, settings),
    value: form.bodyId === undefined ? text : await encode({ id: form.bodyId, text }, key, settings),
  }
}

/**
 * Encodes the column `meta` alone, because a 304 does not touch the body.
 *
 * @throws UnserializableValueError, ValueTooLargeError
 */
export async function encodeMeta(
  { base, key, meta, form }: { base: string; key: string; meta: ResponseMeta; form: BodyForm },
  settings: RowSettings,
): Promise<string> {
  const fields = { ...meta, ...form }
  if (settings.codec === jsonCodec) return JSON.stringify(fields)
  const { status, date, modifiedAt, sliding, vary } = meta
  const tag = meta.tag === undefined ? undefined : await digestOf(meta.tag, base, settings.codec)
  const clear = { status, date, tag, modifiedAt, sliding, vary }
  return JSON.stringify({ ...clear, fields: await encode(fields, key, settings) })
}

/**
 * Returns a condition's entity tags in the form that `meta` has in clear. Tags beyond the limit are dropped, and match
 * no row.
 */
export async function comparableTags(tags: readonly string[], base: string, codec: Codec): Promise<readonly string[]> {
  if (codec === jsonCodec) return tags
  const digests = await Promise.all(tags.slice(0, MAX_DIGESTS).map((tag) => digestOf(tag, base, codec)))
  return digests.filter((digest) => digest !== undefined)
}

/**
 * Returns undefined if the codec makes no digests. The body then moves from the database, and the caller compares the
 * tags.
 */
async function digestOf(tag: string, base: string, codec: Codec): Promise<string | undefined> {
  try {
    const digest: unknown = await codec.digest?.(tag, { key: base })
    return typeof digest === 'string' ? digest : undefined
  } catch {
    return undefined
  }
}

/** @throws UnreadableValueError */
export async function decodeResponse(columns: ResponseColumns, codec: Codec): Promise<DecodedResponse> {
  try {
    return await decode(columns, codec)
  } catch (error) {
    throw error instanceof UnreadableValueError ? error : new UnreadableValueError({ cause: withoutContent(error) })
  }
}

async function decode(
  { key, meta: stored, value, partOffset }: ResponseColumns,
  codec: Codec,
): Promise<DecodedResponse> {
  const { fields: encoded, staleSince } = Object(stored)
  const fields = encoded === undefined ? stored : await decodeText(encoded, key, codec)
  if (!isMeta(fields)) throw new TypeError('Expected the metadata of a response.')
  const { meta, form } = splitForm(fields)
  const { bodyId } = form
  // A codec that authenticates must refuse a row that it did not write.
  if (encoded === undefined || bodyId === undefined) await checkReadsPlain(meta, key, codec)
  return {
    // A soft purge adds this in the database.
    meta: staleSince === undefined ? meta : { ...meta, staleSince },
    form,
    body: value === null ? undefined : await decodeBody({ key, value, partOffset }, form, codec),
  }
}

/** Splits metadata from the form of the body. Usually there is no form, and to leave out fields takes microseconds. */
function splitForm(fields: ResponseMeta & BodyForm): { meta: ResponseMeta; form: BodyForm } {
  if (fields.base64 === undefined && fields.bodyId === undefined) return { meta: fields, form: {} }
  const { base64, bodyId, ...meta } = fields
  return { meta, form: { ...(base64 ? { base64 } : {}), ...(bodyId === undefined ? {} : { bodyId }) } }
}

async function decodeBody(
  { key, value, partOffset }: Pick<ResponseColumns, 'key' | 'partOffset'> & { value: string },
  { base64, bodyId }: BodyForm,
  codec: Codec,
): Promise<DecodedResponse['body']> {
  if (partOffset !== null) return { bytes: bodyBytes(value, true), offset: partOffset }
  const text = bodyId === undefined ? value : await decodeBodyText({ key, value, bodyId }, codec)
  return { bytes: bodyBytes(text, base64 === true), offset: 0 }
}

/**
 * Decodes a whole body that the codec wrote: text, or base64 if it is not text.
 *
 * @throws UnreadableValueError, TypeError
 */
export async function decodeBodyText(
  { key, value, bodyId }: { key: string; value: string; bodyId: string },
  codec: Codec,
): Promise<string> {
  const { id, text } = Object(await decodeText(value, key, codec))
  if (id !== bodyId || typeof text !== 'string') throw new TypeError('Expected the body that belongs to these fields.')
  return text
}

/**
 * Refuses a response that no codec wrote, unless the codec reads any JSON, as `compressingCodec` does. A cache with
 * that codec may have stored responses before it had the codec.
 */
async function checkReadsPlain({ headers }: ResponseMeta, key: string, codec: Codec): Promise<void> {
  if (codec === jsonCodec) return
  const plain = JSON.stringify(headers)
  if (JSON.stringify(await decodeText(plain, key, codec)) !== plain) {
    throw new TypeError('Expected a response that the codec wrote.')
  }
}

async function encode(value: object, key: string, settings: RowSettings): Promise<string> {
  return (await encodeValue(value, key, settings)).value ?? ''
}

function decodeText(value: unknown, key: string, codec: Codec): Promise<unknown> {
  if (typeof value !== 'string') throw new TypeError('Expected text that the codec wrote.')
  return decodeValue({ value, number: null }, key, codec)
}

function isMeta(fields: unknown): fields is ResponseMeta & BodyForm {
  const { status, headers, requestAt, responseAt, bytes } = Object(fields)
  return (
    [status, requestAt, responseAt, bytes].every((part) => typeof part === 'number') &&
    Array.isArray(headers) &&
    headers.every(
      (field) => Array.isArray(field) && field.length === 2 && field.every((part) => typeof part === 'string'),
    )
  )
}

// `fatal` refuses bytes that are not UTF-8; `ignoreBOM` keeps a leading U+FEFF, which belongs to the body.
const STRICT = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Converts a body to text for a text column: unchanged if it is UTF-8 without U+0000, otherwise in base64. */
export function bodyText(bytes: Uint8Array): { text: string; base64: boolean } {
  try {
    const text = STRICT.decode(bytes)
    if (!text.includes('\0')) return { text, base64: false }
  } catch {}
  return { text: toBase64(bytes), base64: true }
}

/** The inverse of {@link bodyText}. @throws DOMException if the text is not base64 */
export function bodyBytes(text: string, base64: boolean): Uint8Array<ArrayBuffer> {
  return base64 ? fromBase64(text) : new TextEncoder().encode(text)
}
