/** Writes one value of a result as JSON, as Neon's proxy does when `Neon-Raw-Text-Output` is not `true`. */

import { arrayTextToJson } from './array-text.ts'

const BOOL = 16
const INT2 = 21
const INT4 = 23
const JSON_TYPE = 114
const FLOAT4 = 700
const FLOAT8 = 701
const UNKNOWN = 705
const JSONB = 3802

/** Array types whose elements are not written as JSON strings. */
const TYPED_ARRAYS = new Map([
  [1000, BOOL],
  [1005, INT2],
  [1007, INT4],
  [1021, FLOAT4],
  [1022, FLOAT8],
  [199, JSON_TYPE],
  [3807, JSONB],
])

/**
 * Postgres's other built-in array types (`pg_type.typcategory = 'A'`). A test in `test/dev` compares them with a
 * server.
 */
const TEXT_ARRAYS = new Set([
  143, 210, 270, 271, 272, 273, 629, 651, 719, 775, 791, 1001, 1002, 1003, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
  1006, 1015, 1016, 1017, 1018, 1019, 1020, 1027, 1028, 1034, 1040, 1041, 1115, 1182, 1183, 1185, 1187, 1231, 1263,
  1270, 1561, 1563, 2201, 2207, 2208, 2209, 2210, 2211, 2287, 2949, 2951, 3221, 3643, 3644, 3645, 3735, 3770, 3905,
  3907, 3909, 3911, 3913, 3927, 4073, 4090, 4097, 4192, 5039, 6150, 6151, 6152, 6153, 6155, 6157,
])

/** Types that users and extensions create have object ids from here on. */
const FIRST_UNPINNED_OID = 12_000

/** Returns the type that Neon reports. Its proxy knows only built-in types, and reports all others as `unknown`. */
export function reportedTypeId(typeId: number): number {
  return typeId < FIRST_UNPINNED_OID ? typeId : UNKNOWN
}

/** Converts a value of this type to JSON text. Throws if the text is not a value of the type. */
export function valueToJson(text: string, typeId: number): string {
  const elementType = TYPED_ARRAYS.get(typeId) ?? (TEXT_ARRAYS.has(typeId) ? UNKNOWN : undefined)
  if (elementType !== undefined) return arrayTextToJson(text, (item) => valueToJson(item, elementType))
  switch (typeId) {
    case BOOL:
      return text === 't' ? 'true' : 'false'
    case INT2:
    case INT4:
      return text
    case FLOAT4:
    case FLOAT8:
      // NaN and the infinities stay strings, because JSON has no such numbers.
      return Number.isFinite(Number(text)) ? String(Number(text)) : JSON.stringify(text)
    case JSON_TYPE:
    case JSONB:
      return text
    default:
      return JSON.stringify(text)
  }
}
