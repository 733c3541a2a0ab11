/** Whether the bytes of a body are encoded as its Content-Encoding says. */

/** The codings that workerd applies to a body by itself. It sends every other coding as it is. */
const ENCODED_BY_WORKERD: ReadonlySet<string> = new Set(['gzip', 'br'])
const GZIP_MAGIC = [0x1f, 0x8b]
/** Media types whose bytes start with gzip's magic number even if they are not encoded. */
const GZIP_TYPE = /^(?:application|multipart)\/(?:x-)?(?:gzip|gzipped-.*|tgz|.*\+gzip)\b/i

/**
 * In workerd, a response with Content-Encoding holds the decoded bytes, and the runtime encodes them when it sends the response.
 * With `encodeBody: 'manual'`, which cannot be read from a response, it holds the encoded bytes.
 */
export function isWorkerd(): boolean {
  return 'WebSocketPair' in globalThis
}

/**
 * True if nobody can tell whether the body is encoded: a stored copy could be encoded twice, or not at all. In workerd this
 * holds for Brotli, which has no magic number, and for gzip around a gzip file.
 */
export function hasUnknownForm(headers: Headers): boolean {
  const coding = runtimeCoding(headers)
  return coding === 'br' || (coding === 'gzip' && GZIP_TYPE.test(headers.get('content-type') ?? ''))
}

/** True if the bytes are not encoded, although Content-Encoding says so: the runtime encodes them for the client. */
export function isDecodedBody(headers: Headers, bytes: Uint8Array): boolean {
  // Workerd sends an empty body as it is.
  return runtimeCoding(headers) === 'gzip' && bytes.length > 0 && GZIP_MAGIC.some((byte, i) => bytes[i] !== byte)
}

/** Returns the coding that workerd may apply to the body; undefined on other runtimes. Workerd compares the whole field. */
function runtimeCoding(headers: Headers): string | undefined {
  const coding = headers.get('content-encoding') ?? ''
  return isWorkerd() && ENCODED_BY_WORKERD.has(coding) ? coding : undefined
}
