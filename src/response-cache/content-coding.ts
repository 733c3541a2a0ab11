/** Whether the bytes of a body are encoded as its Content-Encoding says. */
import { listMembers } from '../http/index.ts'

/** The codings that workerd applies to a body by itself. It sends every other coding as it is. */
const ENCODED_BY_WORKERD: ReadonlySet<string> = new Set(['gzip', 'br'])
const GZIP_MAGIC = [0x1f, 0x8b]
/** Media types whose bytes start with gzip's magic number even if they are not encoded. */
const GZIP_TYPE = /^(?:application|multipart)\/(?:x-)?(?:gzip|gzipped-.*|tgz|.*\+gzip)\b/i

/**
 * True in workerd. There a response with Content-Encoding holds the decoded bytes, and the runtime encodes them when it sends
 * the response. With `encodeBody: 'manual'`, which cannot be read from a response, it holds the encoded bytes.
 */
export function doesRuntimeEncode(): boolean {
  return 'WebSocketPair' in globalThis
}

/**
 * - `encoded`: the bytes are what the client gets
 * - `decoded`: the runtime encodes them for the client
 * - `unknown`: a stored copy could be encoded twice, or not at all
 */
export type BodyForm = 'encoded' | 'decoded' | 'unknown'

export function bodyForm(headers: Headers, bytes: Uint8Array): BodyForm {
  const codings = listMembers(headers.get('content-encoding')).map((coding) => coding.toLowerCase())
  const [coding = 'identity'] = codings
  if (!doesRuntimeEncode() || codings.length > 1 || !ENCODED_BY_WORKERD.has(coding) || bytes.length === 0)
    return 'encoded'
  // Brotli has no magic number.
  if (coding !== 'gzip' || GZIP_TYPE.test(headers.get('content-type') ?? '')) return 'unknown'
  return GZIP_MAGIC.every((byte, i) => bytes[i] === byte) ? 'encoded' : 'decoded'
}
