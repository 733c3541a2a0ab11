/**
 * Which of a URL's variants answers a request (RFC 9111 4.1), in a form that one statement can look up.
 *
 * A request does not know what its URL varies on, and must not ask first. So:
 *
 * 1. The row of the URL (its base key) remembers the names of all fields that its responses nominated: `joinVary`.
 * 2. The request sends a digest of each of its header fields: `fieldDigests`. None of them reveals a value.
 * 3. The variant's key is the SHA-256 of the remembered names with the request's digests: `variantKey`. It is put
 *    together within the statement, which reads the names from the base row, and here when a response is stored:
 *
 *        select coalesce(encode(sha256(convert_to(string_agg(
 *          name || ':' || coalesce(digests ->> name, '-'), e'\n' order by name collate "C"), 'UTF8')), 'hex'), '')
 *        from unnest(names) name
 *
 *    Without names it is the empty string: a response that varies on nothing has the base key to itself.
 *
 * Every stored response's own Vary is part of the names in its key, and the names are part of what is hashed. So a list
 * of names that has grown, or has been forgotten, makes variants unreachable, and never reachable by a wrong request.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { normalizedField } from './normalized-field.ts'

/** The digests of a request's fields by their names. A map, because `__proto__` is a valid field name. */
export type FieldDigests = ReadonlyMap<string, string>

/** No digest looks like this, so absent only matches absent (RFC 9111 4.1). */
const ABSENT = '-'
/** In none of the parts: it cannot stand in a URL, a field name or a field value. */
const SEPARATOR = '\0'

/**
 * @param baseKey makes the digests of one value differ from URL to URL, so that rows of one user cannot be connected
 */
export function fieldDigests(headers: Headers, baseKey: string): FieldDigests {
  const digests = new Map<string, string>()
  for (const name of headers.keys()) {
    // By name and not by entry: `get` is what joins several lines.
    const value = normalizedField(name, headers.get(name) ?? '')
    digests.set(name, hash([baseKey, name, value].join(SEPARATOR)))
  }
  return digests
}

/**
 * The key of the variant: 64 hexadecimal digits, or the empty string where nothing is varied on.
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
