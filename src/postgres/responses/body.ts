/** Bodies as text. */
/** Converts a body to text for a text column: unchanged if it is UTF-8 without U+0000, otherwise in base64. */
export function bodyText(bytes: Uint8Array): { text: string; base64: boolean } {
  try {
    const text = STRICT.decode(bytes)
    if (!text.includes('\0')) return { text, base64: false }
  } catch {}
  return { text: toBase64(bytes), base64: true }
}

/** The inverse of {@link bodyText}. */
export function bodyBytes(text: string, base64: boolean): Uint8Array<ArrayBuffer> {
  if (!base64) return new TextEncoder().encode(text)
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

// `fatal` refuses bytes that are not UTF-8; `ignoreBOM` keeps a leading U+FEFF, which belongs to the body.
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** A multiple of three, so that the base64 of the parts can be concatenated; small enough for the arguments of one call. */
const BASE64_CHUNK_BYTES = 0x6000

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += BASE64_CHUNK_BYTES) {
    text += btoa(String.fromCharCode(...bytes.subarray(i, i + BASE64_CHUNK_BYTES)))
  }
  return text
}
