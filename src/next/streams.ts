/** Converts between bytes and streams. */
import type { Bytes } from '../values/bytes.ts'

/** Reads a stream to its end. Rejects if the stream fails, even after it delivered some bytes. */
export async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Bytes>).arrayBuffer())
}

/** Returns a new stream of copies of the parts, because a reader may transfer the buffers that it gets. */
export function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) if (part.length > 0) controller.enqueue(part.slice())
      controller.close()
    },
  })
}
