/** Determines whether the bytes of a body are encoded as its Content-Encoding says. */

/** The codings that workerd itself applies to a body. It sends a body with any other coding unchanged. */
const ENCODED_BY_WORKERD: ReadonlySet<string> = new Set(['gzip', 'br'])
const GZIP_MAGIC = [0x1f, 0x8b]
/** Media types whose bytes start with gzip's magic number even if they are not encoded. */
const GZIP_TYPE = /^(?:application|multipart)\/(?:x-)?(?:gzip|gzipped-.*|tgz|.*\+gzip)\b/i

/**
 * True in workerd. There, a response with Content-Encoding has decoded bytes, and the runtime encodes them when it
 * sends the response. With `encodeBody: 'manual'` it has encoded bytes, but that property cannot be read from a
 * response.
 */
export function isWorkerd(): boolean {
  return 'WebSocketPair' in globalThis
}

/**
 * True if it is impossible to tell whether the body is encoded. A stored copy could then be sent encoded twice, or not
 * at all. In workerd this is the case for Brotli, which has no magic number, and for a gzip file with gzip as its
 * coding.
 */
export function hasUnknownForm(headers: Headers): boolean {
  const coding = runtimeCoding(headers)
  return coding === 'br' || (coding === 'gzip' && GZIP_TYPE.test(headers.get('content-type') ?? ''))
}

/**
 * True if the bytes are not encoded yet, although Content-Encoding names a coding. The runtime encodes them for the
 * client.
 */
export function isDecodedBody(headers: Headers, bytes: Uint8Array): boolean {
  // workerd sends an empty body unchanged.
  return runtimeCoding(headers) === 'gzip' && bytes.length > 0 && GZIP_MAGIC.some((byte, i) => bytes[i] !== byte)
}

/**
 * Returns the coding that workerd may apply to the body; undefined on other runtimes. Workerd compares the whole field.
 */
function runtimeCoding(headers: Headers): string | undefined {
  const coding = headers.get('content-encoding') ?? ''
  return isWorkerd() && ENCODED_BY_WORKERD.has(coding) ? coding : undefined
}
