/**
 * The key of the variant that answers a request (RFC 9111 4.1), in a form that one statement can look up.
 *
 * A request does not know which fields its URL varies on, and a first query for them would cost a round trip. So:
 *
 * 1. The row of the URL (its base key) remembers the names of all fields in the Vary of its responses: `joinVary`.
 * 2. The request sends a digest of each of its header fields: `fieldDigests`. A digest reveals no value.
 * 3. The variant's key is the SHA-256 of the remembered names with the request's digests: `variantKey`. The statement computes
 *    it from the names in the base row. This file computes the same key for a response that is stored:
 *
 *        select coalesce(encode(sha256(convert_to(string_agg(
 *          name || ':' || coalesce(digests ->> name, '-'), e'\n' order by name collate "C"), 'UTF8')), 'hex'), '')
 *        from unnest(names) name
 *
 *    Without names it is the empty string: a response that varies on nothing is stored under the base key.
 *
 * The names in a key include the response's own Vary, and the hash covers the names. If the list of names grows or is
 * forgotten, some variants become unreachable, but no request can reach a wrong variant.
 */

import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { type NormalizeOptions, normalizeField } from './normalized-field.ts'

/** The digests of a request's fields, by name. It is a map, because `__proto__` is a valid field name. */
export type FieldDigests = ReadonlyMap<string, string>

/** Stands for an absent field. No digest looks like this, so absent matches only absent (RFC 9111 4.1). */
const ABSENT = '-'
/** Separates the parts: it cannot occur in a URL, a field name or a field value. */
const SEPARATOR = '\0'

/**
 * @param baseKey makes the digests of one value differ between URLs, so that nobody can link the rows of one user
 */
export function fieldDigests(headers: Headers, baseKey: string, options: NormalizeOptions = {}): FieldDigests {
  const digests = new Map<string, string>()
  for (const name of headers.keys()) {
    // Iterate over names and call `get`, which joins several lines of a field.
    const value = normalizeField(name, headers.get(name) ?? '', options)
    digests.set(name, hash([baseKey, name, value].join(SEPARATOR)))
  }
  return digests
}

/**
 * Returns the key of the variant: 64 hexadecimal digits, or the empty string if there are no names.
 *
 * @param names as `joinVary` returns them: in lower case, sorted, each once
 */
export function variantKey(names: readonly string[], digests: FieldDigests): string {
  if (names.length === 0) return ''
  return hash(names.map((name) => `${name}:${digests.get(name) ?? ABSENT}`).join('\n'))
}

function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}
