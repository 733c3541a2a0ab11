/** Streams of bytes. */
import type { Bytes } from '../values/bytes.ts'

/** Reads a stream to its end. Rejects if the stream fails, however much of it was there. */
export async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Bytes>).arrayBuffer())
}

/** A new stream over copies of the parts, because a reader may transfer the buffer that it gets. */
export function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) if (part.length > 0) controller.enqueue(part.slice())
      controller.close()
    },
  })
}
