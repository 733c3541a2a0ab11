import type { Codec } from 'pgstash'
import superjson from 'superjson'

/** Keeps Dates, Maps, Sets, bigints and `undefined`, and classes that are registered with superjson. */
export const superjsonCodec: Codec = {
  encode: (value) => superjson.stringify(value),
  decode: (text) => superjson.parse(text),
}
