/** Bodies on their way to the client and into the store. */
import type { ByteRange } from '../http/index.ts'

/** How a body ended. */
export type Collected =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'too large' }
  /** The handler's stream failed. */
  | { readonly kind: 'failed' }
  /** The client did not wait for the end. */
  | { readonly kind: 'left' }

/**
 * Passes a body on as it comes, and keeps a copy. It reads ahead of the client as far as it may keep: whoever reads slowly
 * holds up nobody else who waits for the response.
 *
 * `onEnd` is told once, as soon as it is clear; what it answers delays the stream's end, so that nothing floats behind it.
 */
export function collecting(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  onEnd: (collected: Collected) => Promise<void> | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let chunks: Uint8Array[] = []
  let length = 0
  let ending: { readonly told: Promise<void> | undefined } | undefined
  // Whatever comes first: a reader that is cancelled ends its pending read as if the body were whole.
  const end = (how: () => Collected) => {
    ending ??= { told: onEnd(how()) }
    return ending.told
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let result: Awaited<ReturnType<typeof reader.read>>
        try {
          result = await reader.read()
        } catch (error) {
          await end(() => ({ kind: 'failed' }))
          throw error
        }
        if (result.done) {
          await end(() => ({ kind: 'whole', bytes: joined(chunks, length) }))
          controller.close()
          return
        }
        length += result.value.byteLength
        if (length > maxBytes) {
          // Not even held in memory, and nobody waits for its end in vain.
          chunks = []
          end(() => ({ kind: 'too large' }))
        } else {
          // A copy: whoever reads the stream may transfer or overwrite its chunks.
          chunks.push(result.value.slice())
        }
        controller.enqueue(result.value)
      },
      async cancel(reason) {
        await Promise.all([end(() => ({ kind: 'left' })), reader.cancel(reason)])
      },
    },
    { highWaterMark: maxBytes, size: (chunk) => chunk?.byteLength ?? 0 },
  )
}

/** Reads a body to its end without anybody to pass it on to. */
export async function collected(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Collected> {
  if (body === null) return { kind: 'whole', bytes: new Uint8Array() }
  let end: Collected = { kind: 'failed' }
  const stream = collecting(body, maxBytes, (result) => {
    end = result
    return undefined
  })
  try {
    for (const reader = stream.getReader(); !(await reader.read()).done; );
  } catch {}
  return end
}

/** A body as text: itself where it is UTF-8, else in base64, for that is what a text column can hold. */
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

/** What of a stored body answers: whole, or a part. As bytes: for a string, `Response` would make up a Content-Type. */
export function bodyPart(text: string, base64: boolean, part: ByteRange | 'whole'): Uint8Array<ArrayBuffer> {
  const bytes = bodyBytes(text, base64)
  return part === 'whole' ? bytes : bytes.subarray(part.first, part.last + 1)
}

// Strict about what is no UTF-8, and about a leading U+FEFF, which is a byte of the body like any other.
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** A multiple of three, so that the parts' base64 can be joined; and few enough for arguments of a call. */
const BASE64_CHUNK_BYTES = 0x6000

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += BASE64_CHUNK_BYTES) {
    text += btoa(String.fromCharCode(...bytes.subarray(i, i + BASE64_CHUNK_BYTES)))
  }
  return text
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
