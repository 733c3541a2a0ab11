/** `compressingCodec`: large values take less of the network, and of `maxValueBytes`. */
import { checkedCodec } from '../cache/settings.ts'
import { fromBase64, toBase64 } from '../values/base64.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { utf8Bytes } from '../values/events.ts'
import { optionsObject, wholeNumber } from '../values/options.ts'

export interface CompressingCodecOptions {
  /** What makes the text that is compressed; default: JSON. */
  codec?: Codec | undefined
  /** Bytes of text, counted in UTF-8, from which it is compressed; default 1,024: below it there is little to gain. */
  threshold?: number | undefined
  /** Bytes that a text may have once it is decompressed again; default 64 MiB. What claims to be more is unreadable. */
  maxBytes?: number | undefined
}

const DEFAULT_THRESHOLD_BYTES = 1_024
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
/** Raw deflate: what gzip adds to it, Postgres and the network check as well. */
const FORMAT = 'deflate-raw'
const COMPRESSED = 'deflate:'
/** Before a text that would look like one of these two. JSON never does. */
const PLAIN = 'plain:'

/**
 * Compresses what another codec makes, from a size on and where it is smaller then.
 *
 * Texts below the threshold are stored as they are, and so stay readable in the table; those that were stored before
 * compression was switched on stay readable to the cache. Numbers and `null` never reach a codec. Postgres compresses large
 * values by itself: this is for the way there and back, at the price of base64 (a third more) and some milliseconds per
 * megabyte. Needs `CompressionStream`: Node 18, Workers, Deno, Bun; not Vercel's edge runtime.
 *
 * @throws InvalidOptionError, where the runtime cannot compress as well
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
      // A text that is none is refused by whoever called.
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

/** In chunks, so that a small text that stands for a huge one ends before it fills the memory. */
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
      throw new RangeError(`Expected at most ${maxBytes} bytes of text, got ${describeType(size)} above.`)
    }
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}
