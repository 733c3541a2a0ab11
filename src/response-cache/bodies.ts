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
 * It reads up to `maxBytes` ahead of the client. Otherwise a slow client would delay the waiters.
 *
 * The client gets bytes, whatever type of chunk the handler sends, and the copy holds the same bytes. A chunk that is not bytes
 * fails the stream, as it does in every runtime. The returned stream is a byte stream, like those of the runtimes, so that its
 * reader can bring its own buffer.
 *
 * @param onEnd called once, as soon as the outcome is known. The stream ends only after the returned promise settles, so no
 *   work is left behind without `waitUntil`.
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
  // The first outcome wins: cancelling a reader ends its pending read as if the body were whole.
  const end = (how: BodyEnd | (() => BodyEnd)) => {
    ending ??= { work: onEnd(typeof how === 'function' ? outcomeOf(how) : how) }
    chunks = []
    return ending.work
  }
  const keep = (bytes: Uint8Array) => {
    if (ending !== undefined) return
    length += bytes.byteLength
    // Report this now, so that the waiters do not wait for the end of a body that is not stored.
    if (length > maxBytes) end({ kind: 'too large' })
    // Copy again, because the reader of the stream may transfer or overwrite what it gets.
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
      if (bytes === undefined) throw new TypeError('Expected chunks of bytes or strings.')
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
          // The handler's stream may still be open, if the error is not its own.
          reader.cancel(error).catch(() => {})
          throw error
        }
      },
      async cancel(reason) {
        await Promise.all([end({ kind: 'cancelled' }), reader.cancel(reason)])
      },
    },
    // One byte more than the longest stored body, so that the end of such a body arrives even if nobody reads.
    { highWaterMark: maxBytes + 1 },
  )
}

function outcomeOf(how: () => BodyEnd): BodyEnd {
  try {
    return how()
  } catch {
    // There is no memory for the whole body.
    return { kind: 'failed' }
  }
}

/**
 * Returns a copy of a chunk's bytes, or undefined if the chunk is not bytes. Runtimes accept different types: Node sends strings,
 * workerd takes buffers and all views. Do not copy with `slice`, because the `slice` of a Node Buffer shares its memory.
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

/** Compares by name, because a buffer may come from another realm, and `SharedArrayBuffer` is not defined everywhere. */
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
    // Stop as soon as the outcome is known: the body may never end.
    while (!isKnown && !(await reader.read()).done);
  } catch {}
  reader.cancel().catch(() => {})
  return end
}

/**
 * True for a stream of workerd itself, such as the body of `fetch` or of a text. Its `tee` keeps the length and the encoded bytes.
 * A stream in JavaScript would lose both. The client would then get other bytes than those that
 * ETag and digests name, and it could not notice that the body ended early.
 */
export function isRuntimeStream(body: ReadableStream<unknown>): boolean {
  if (!isWorkerd()) return false
  try {
    // Streams in JavaScript refuse this, except byte streams, whose `tee` copies every chunk.
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
