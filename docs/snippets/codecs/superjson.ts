import type { Codec } from 'pgstash'
import superjson from 'superjson'

/** Dates, Maps, Sets, bigints and `undefined`; classes once they are registered with superjson. */
export const superjsonCodec: Codec = {
  encode: (value) => superjson.stringify(value),
  decode: (text) => superjson.parse(text),
}
