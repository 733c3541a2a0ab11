/** Base64 on every runtime: edge runtimes lack `Buffer`, and not every runtime has `Uint8Array.fromBase64` yet. */

/**
 * A multiple of three, so that the base64 of the parts can be joined. Every runtime allows this many arguments in a
 * call.
 */
const CHUNK = 8_190

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += CHUNK) {
    // `apply` avoids a spread, which iterates over the bytes and takes five times as long.
    text += btoa(String.fromCharCode.apply(null, bytes.subarray(i, i + CHUNK) as unknown as number[]))
  }
  return text
}

/** @throws DOMException if the text is not base64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
