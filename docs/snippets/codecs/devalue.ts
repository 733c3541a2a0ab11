import { parse, stringify } from 'devalue'
import type { Codec } from 'pgstash'

/** Dates, Maps, Sets, bigints, `undefined`, cycles, and objects that occur twice come back as they went in. */
export const devalueCodec: Codec = {
  encode: (value) => stringify(value),
  decode: (text) => parse(text),
}
