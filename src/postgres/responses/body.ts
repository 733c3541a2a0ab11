/** Converts bodies to and from text, because the column `value` holds text. */
import { fromBase64, toBase64 } from '../../codecs/base64.ts'

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
