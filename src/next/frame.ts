/**
 * Encodes an entry as one block of bytes: a JSON header, then the bytes of its parts. As text, it would be a third
 * larger.
 */

const LENGTH_BYTES = 4

export interface Frame<Header> {
  readonly header: Header
  readonly parts: readonly Uint8Array[]
}

export function encodeFrame<Header>({ header, parts }: Frame<Header>): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify([header, parts.map(({ length }) => length)]))
  const bytes = new Uint8Array(LENGTH_BYTES + text.length + parts.reduce((sum, { length }) => sum + length, 0))
  new DataView(bytes.buffer).setUint32(0, text.length)
  bytes.set(text, LENGTH_BYTES)
  let at = LENGTH_BYTES + text.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Returns undefined if the bytes are not a frame. The parts are views of the given bytes. */
export function decodeFrame<Header>(bytes: unknown): Frame<Header> | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length < LENGTH_BYTES) return undefined
  try {
    let at = LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    const [header, lengths] = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, at)))
    const parts = (lengths as number[]).map((length) => {
      at += length
      return bytes.subarray(at - length, at)
    })
    return at === bytes.length ? { header, parts } : undefined
  } catch {
    return undefined
  }
}
