/** Copies bodies on their way to the client. */
import { isWorkerd } from './content-coding.ts'

/** How a body ended. */
export type BodyEnd =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'too large' }
  /** The handler's stream failed. */
  | { readonly kind: 'failed' }
  /** The client disconnected before the end. */
  | { readonly kind: 'cancelled' }

/**
 * Passes a body on as it arrives and keeps a copy.
 *
 * Reads up to `maxBytes` ahead of the client. Otherwise a slow client would delay the waiters.
 *
 * The client gets bytes, whatever type of chunk the handler sends, and the copy has the same bytes. A chunk that is
 * neither bytes nor a string fails the stream, as in every runtime. The returned stream is a byte stream, like the
 * runtimes' own bodies, so that a reader can provide its own buffer.
 *
 * @param onEnd called once, as soon as the outcome is known. The stream ends only after the returned promise settles,
 *   so no work outlives the response without `waitUntil`.
 */
export function teeBody(
  body: ReadableStream<unknown>,
  maxBytes: number,
  onEnd: (end: BodyEnd) => Promise<void> | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let chunks: Uint8Array[] = []
  let length = 0
  let ending: { readonly work: Promise<void> | undefined } | undefined
  // Keep the first outcome, because cancelling a reader ends its pending read as if the body were whole.
  const end = (how: BodyEnd | (() => BodyEnd)) => {
    ending ??= { work: onEnd(typeof how === 'function' ? outcomeOf(how) : how) }
    chunks = []
    return ending.work
  }
  const keep = (bytes: Uint8Array) => {
    if (ending !== undefined) return
    length += bytes.byteLength
    // Report this at once, so that the waiters do not wait for the end of a body that is not stored.
    if (length > maxBytes) end({ kind: 'too large' })
    // Copy again, because the stream's reader may transfer or overwrite the bytes that it gets.
    else chunks.push(bytes.slice())
  }
  const pullChunk = async (controller: ReadableByteStreamController) => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        await end(() => ({ kind: 'whole', bytes: concat(chunks, length) }))
        controller.close()
        controller.byobRequest?.respond(0)
        return
      }
      const bytes = copyBytes(value)
      if (bytes === undefined) throw new TypeError('Expected the chunks of a response body to be bytes or strings.')
      // A byte stream refuses an empty chunk.
      if (bytes.byteLength === 0) continue
      keep(bytes)
      controller.enqueue(bytes)
      return
    }
  }
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        try {
          await pullChunk(controller)
        } catch (error) {
          await end({ kind: 'failed' })
          // If the error did not come from the handler's stream, that stream is still open.
          reader.cancel(error).catch(() => {})
          throw error
        }
      },
      async cancel(reason) {
        await Promise.all([end({ kind: 'cancelled' }), reader.cancel(reason)])
      },
    },
    // One byte more than the longest stored body. So the end of that body arrives even if the client does not read.
    { highWaterMark: maxBytes + 1 },
  )
}

function outcomeOf(how: () => BodyEnd): BodyEnd {
  try {
    return how()
  } catch {
    // There is not enough memory for the whole body.
    return { kind: 'failed' }
  }
}

/**
 * Returns a copy of a chunk's bytes, or undefined if the chunk is neither bytes nor a string. Runtimes accept different
 * types: Node sends strings, workerd accepts buffers and all views. Do not copy with `slice`, because `slice` of a Node
 * Buffer shares its memory.
 */
function copyBytes(chunk: unknown): Uint8Array<ArrayBuffer> | undefined {
  try {
    if (typeof chunk === 'string') return new TextEncoder().encode(chunk)
    if (ArrayBuffer.isView(chunk)) return copyOf(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    return isBuffer(chunk) ? copyOf(chunk, 0, chunk.byteLength) : undefined
  } catch {
    // The buffer is detached.
    return undefined
  }
}

function copyOf(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length)
  copy.set(new Uint8Array(buffer, offset, length))
  return copy
}

/**
 * Compares the type's name, because a buffer may come from another realm, and some runtimes have no
 * `SharedArrayBuffer`.
 */
function isBuffer(value: unknown): value is ArrayBufferLike {
  return ['[object ArrayBuffer]', '[object SharedArrayBuffer]'].includes(Object.prototype.toString.call(value))
}

/** Reads a body to its end without passing it on. */
export async function readBody(body: ReadableStream<unknown> | null, maxBytes: number): Promise<BodyEnd> {
  if (body === null) return { kind: 'whole', bytes: new Uint8Array() }
  let end: BodyEnd = { kind: 'failed' }
  let isKnown = false
  const stream = teeBody(body, maxBytes, (result) => {
    end = result
    isKnown = true
    return undefined
  })
  const reader = stream.getReader()
  try {
    // Stop as soon as the outcome is known, because the body may never end.
    while (!isKnown && !(await reader.read()).done);
  } catch {}
  reader.cancel().catch(() => {})
  return end
}

/**
 * True for a stream that workerd itself provides, such as the body of `fetch` or of a text. Its `tee` keeps the length
 * and the encoded bytes. A JavaScript stream would lose both. The client's bytes would then not match ETag and digests,
 * and the client could not notice that the body ended early.
 */
export function isRuntimeStream(body: ReadableStream<unknown>): boolean {
  if (!isWorkerd()) return false
  try {
    // JavaScript streams refuse this, except byte streams, whose `tee` copies every chunk.
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/** Cancels a body that nobody will read. Otherwise its producer might wait for a reader. */
export function cancelBody({ body }: Response): void {
  body?.cancel().catch(() => {})
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
