/**
 * Selects a stored response by its language, although another Accept-Language fetched it.
 *
 * This goes beyond RFC 9111 4.1, which lets only equal values match. It rests on a promise of the application: Accept-Language
 * changes nothing but the language, and Content-Language names that. So it must be an option, off by default.
 *
 * A response to `en, de` with `Content-Language: de` then also answers `de;q=1.0, fr;q=0.5`. The stored response proves that German
 * exists, and the client prefers it to everything else.
 *
 * The variant has a second key for this, in which a digest of the language takes the place of that of Accept-Language. A lookup
 * tries the first key, then the second. No value of Accept-Language has such a digest.
 */
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { listMembers } from './fields.ts'
import type { RequestHead, ResponseHead } from './message.ts'
import { type FieldDigests, parseWeighted } from './variant-key.ts'

const ACCEPT_LANGUAGE = 'accept-language'
const LANGUAGE_TAG = /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/
const SEPARATOR = '\0'

/**
 * Returns the one language that the request prefers to all others, in lower case. Undefined if several share the highest weight,
 * because then the origin chooses.
 */
export function preferredLanguage({ headers }: RequestHead): string | undefined {
  const [language, ...others] = bestLanguages(headers)
  return others.length === 0 ? language : undefined
}

/**
 * Returns the language by which other requests may select this response, in lower case. Undefined if there is none:
 *
 * - The response is not a 200 in exactly one language.
 * - The request prefers another language, or does not name this one. The response may then be a substitute for a missing
 *   language ("not available in French"). Clients that prefer this language must not get it.
 */
export function selectableLanguage(request: RequestHead, response: ResponseHead): string | undefined {
  const [language, ...others] = listMembers(response.headers.get('content-language'))
  const lower = language?.toLowerCase()
  if (response.status !== 200 || lower === undefined || others.length > 0) return undefined
  return bestLanguages(request.headers).includes(lower) ? lower : undefined
}

/** Returns the request's digests with the language in place of Accept-Language. `variantKey` makes the second key of them. */
export function languageDigests(digests: FieldDigests, baseKey: string, language: string): FieldDigests {
  const digest = bytesToHex(sha256(utf8ToBytes([baseKey, 'content-language', language].join(SEPARATOR))))
  return new Map([...digests, [ACCEPT_LANGUAGE, digest]])
}

/** Returns the languages with the highest weight. Empty if the field is absent or malformed, or if any language will do. */
function bestLanguages(headers: Headers): readonly string[] {
  const members = parseWeighted(headers.get(ACCEPT_LANGUAGE) ?? '') ?? []
  const names = members.map(({ name }) => name)
  const highest = Math.max(0, ...members.map(({ weight }) => weight))
  const best = members.filter(({ weight }) => weight === highest).map(({ name }) => name)
  const isClear = highest > 0 && new Set(names).size === names.length && best.every((name) => LANGUAGE_TAG.test(name))
  return isClear ? best : []
}
