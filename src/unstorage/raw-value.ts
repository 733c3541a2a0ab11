/** Raw values as the cache stores them. */

/**
 * Returns text as it is, and everything that holds bytes as a `Uint8Array`: any view, a buffer, a Blob, a stream, an iterable
 * of chunks. Everything else is the codec's to store or to refuse.
 *
 * @throws what a stream fails with
 */
export async function storable(value: unknown): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  // By its tag and not by instanceof, because a buffer may come from another realm.
  if (/^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value)))
    return new Uint8Array(value as ArrayBuffer)
  if ('arrayBuffer' in value && typeof value.arrayBuffer === 'function') {
    return new Uint8Array((await value.arrayBuffer()) as ArrayBuffer)
  }
  if ('getReader' in value) return new Uint8Array(await new Response(value as ReadableStream).arrayBuffer())
  if (Symbol.asyncIterator in value) {
    const chunks: (string | Uint8Array)[] = []
    for await (const chunk of value as AsyncIterable<string | Uint8Array>) chunks.push(chunk)
    return new Uint8Array(await new Blob(chunks).arrayBuffer())
  }
  return value
}
