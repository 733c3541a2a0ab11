/** `compressingCodec`: compresses large values, so that they need less of the network and of `maxValueBytes`. */
import { checkedCodec } from '../cache/settings.ts'
import { fromBase64, toBase64 } from '../values/base64.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { utf8Bytes } from '../values/events.ts'
import { optionsObject, wholeNumber } from '../values/options.ts'

/** Options of {@link compressingCodec}. */
export interface CompressingCodecOptions {
  /** The codec whose text is compressed. Default: JSON. */
  codec?: Codec | undefined
  /** The smallest text to compress, in UTF-8 bytes. Default 1,024: a smaller text gains little. */
  threshold?: number | undefined
  /** The largest decompressed text, in bytes. A larger text is unreadable. Default 64 MiB. */
  maxBytes?: number | undefined
}

const DEFAULT_THRESHOLD_BYTES = 1_024
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
/** Raw deflate. gzip would add a checksum, but Postgres and the network already check the data. */
const FORMAT = 'deflate-raw'
const COMPRESSED = 'deflate:'
/** Marks a plain text that begins with one of these two marks. JSON never does. */
const PLAIN = 'plain:'

/**
 * Creates a codec that compresses the text of another codec, if the text is large and compression makes it smaller.
 *
 * Texts below the threshold are stored unchanged, so they stay readable in the table. The cache can still read texts
 * that were stored before you added compression. Numbers and `null` never reach a codec.
 *
 * Postgres compresses large values itself, so this codec only makes the transfer smaller. The price is base64 (a third
 * more) and some milliseconds per megabyte. It needs `CompressionStream`: Node 18, Workers, Deno or Bun, but not
 * Vercel's edge runtime.
 *
 * @throws InvalidOptionError, also if the runtime cannot compress
 * @example
 * const cache = createCache(db, { codec: compressingCodec({ threshold: 4_096 }) })
 */
export function compressingCodec(options?: CompressingCodecOptions): Codec {
  const {
    codec = jsonCodec,
    threshold = DEFAULT_THRESHOLD_BYTES,
    maxBytes = DEFAULT_MAX_BYTES,
  } = optionsObject<CompressingCodecOptions>(options, ['codec', 'threshold', 'maxBytes'])
  checkedCodec(codec)
  wholeNumber('threshold', threshold, 0)
  wholeNumber('maxBytes', maxBytes, 1)
  if (typeof CompressionStream !== 'function' || typeof DecompressionStream !== 'function') {
    throw new InvalidOptionError('Expected a runtime with CompressionStream: Node 18 or newer, Workers, Deno, Bun.')
  }
  return {
    async encode(value, context) {
      const text = await codec.encode(value, context)
      // The caller of `encode` refuses a result that is not a text.
      if (typeof text !== 'string') return text
      const plain = text.startsWith(COMPRESSED) || text.startsWith(PLAIN) ? PLAIN + text : text
      const bytes = utf8Bytes(text)
      if (bytes < threshold || bytes > maxBytes) return plain
      const compressed = COMPRESSED + toBase64(await compress(text))
      return compressed.length < bytes ? compressed : plain
    },
    async decode(text, context) {
      if (text.startsWith(PLAIN)) return codec.decode(text.slice(PLAIN.length), context)
      if (!text.startsWith(COMPRESSED)) return codec.decode(text, context)
      return codec.decode(await decompress(fromBase64(text.slice(COMPRESSED.length)), maxBytes), context)
    },
    ...(codec.digest && { digest: codec.digest.bind(codec) }),
  }
}

async function compress(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream(FORMAT))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** Decompresses in chunks, and stops at `maxBytes`. Otherwise a small text could expand until it fills the memory. */
async function decompress(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<string> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(FORMAT)).getReader()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  let size = 0
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const part = chunk.value as Uint8Array
    size += part.length
    if (size > maxBytes) {
      await reader.cancel()
      throw new RangeError(`Expected at most ${maxBytes} bytes of text, got more.`)
    }
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}
