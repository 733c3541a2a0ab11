/** Converts raw values to values that the cache can store. */

/**
 * Returns text unchanged, and everything that holds bytes as a `Uint8Array`: any view, a buffer, a Blob, a stream, an
 * iterable of chunks. The codec stores or refuses every other value.
 *
 * @throws the stream's error if reading it fails
 */
export async function toStorable(value: unknown): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  // Compare the tag and do not use instanceof, because a buffer may come from another realm.
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
