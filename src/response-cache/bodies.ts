/** Copies bodies on their way to the client. */

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
 * It reads up to `maxBytes` ahead of the client. Otherwise a slow client would delay the requests that wait for the response.
 *
 * The client gets bytes, whatever type of chunk the handler sends, and the kept copy holds the same bytes. A chunk that is not
 * bytes goes on unchanged, because the runtime decides about it. Then the outcome is `failed`.
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
  const pullChunk = async (controller: ReadableStreamDefaultController) => {
    const { done, value } = await reader.read()
    if (done) {
      await end(() => ({ kind: 'whole', bytes: concat(chunks, length) }))
      controller.close()
      return
    }
    const bytes = copyBytes(value)
    if (bytes === undefined) {
      end({ kind: 'failed' })
    } else if (ending === undefined) {
      length += bytes.byteLength
      // Waiting requests go on now instead of waiting for the end.
      if (length > maxBytes) end({ kind: 'too large' })
      // Copy again, because the reader of the stream may transfer or overwrite what it gets.
      else chunks.push(bytes.slice())
    }
    controller.enqueue(bytes ?? value)
  }
  return new ReadableStream<Uint8Array>(
    {
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
    // Count at least one for each chunk, otherwise an endless stream of empty chunks would be read without a limit.
    { highWaterMark: maxBytes, size: (chunk) => (chunk instanceof Uint8Array ? Math.max(chunk.byteLength, 1) : 1) },
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
 * workerd takes buffers and all views. `slice` is no way to copy, because that of a Node Buffer shares its memory.
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
  const stream = teeBody(body, maxBytes, (result) => {
    end = result
    return undefined
  })
  try {
    for (const reader = stream.getReader(); !(await reader.read()).done; );
  } catch {}
  return end
}

/** Cancels the body that nobody will read. Otherwise its producer might wait for a reader. */
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
