/**
 * The key of the variant that answers a request (RFC 9111 4.1), in a form that one statement can look up.
 *
 * The cache does not know which fields a URL varies on, and a query to find out would cost a round trip. So it does
 * this:
 *
 * 1. The URL's row (its base key) remembers every field name that a Vary of its responses named (`joinVary`).
 * 2. The cache sends a digest of each header field of the request (`fieldDigests`). A digest reveals no value.
 * 3. The variant's key is the SHA-256 of the remembered names with the request's digests (`variantKey`). On a lookup,
 *    the statement computes the key from the names in the base row. On a store, this file computes the same key:
 *
 *        select coalesce(encode(sha256(convert_to(string_agg(
 *          name || ':' || coalesce(digests ->> name, '-'), e'\n' order by name collate "C"), 'UTF8')), 'hex'), '')
 *        from unnest(names) name
 *
 *    Without names it is the empty string, because a response that varies on nothing is stored under the base key.
 *
 * The names include the response's own Vary, and the hash covers the names. If the list of names grows or is forgotten,
 * some variants become unreachable, but no request can reach a wrong variant.
 *
 * Request fields are normalized first, so that values with equal meaning select the same variant. That stores fewer
 * variants. Two values of a known field become equal only if the field's specification calls them equal. An unknown
 * field counts as a list: blanks around its commas are ignored. `Headers` has already joined several lines of one field
 * with a comma and a blank.
 */
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { listMembers, TCHAR, trimBlanks } from './fields.ts'

/** The digests of a request's fields, by name. It is a map, because `__proto__` is a valid field name. */
export type FieldDigests = ReadonlyMap<string, string>

/** Stands for an absent field. It equals no digest, so an absent field matches only an absent one (RFC 9111 4.1). */
const ABSENT = '-'
/** Separates the hashed parts, because it cannot occur in a URL, a field name or a field value. */
const SEPARATOR = '\0'

/**
 * Returns a digest of each field.
 *
 * @param baseKey makes the digests of one value differ between URLs, so that nobody can link the rows of one user
 */
export function fieldDigests(headers: Headers, baseKey: string): FieldDigests {
  const digests = new Map<string, string>()
  for (const name of headers.keys()) {
    // Iterate over names and call `get`, which joins several lines of a field.
    const value = normalizeField(name, headers.get(name) ?? '')
    digests.set(name, hash([baseKey, name, value].join(SEPARATOR)))
  }
  return digests
}

/**
 * Returns the key of the variant: 64 hexadecimal digits, or the empty string if there are no names.
 *
 * @param names as `joinVary` returns them: in lower case, sorted, without duplicates
 */
export function variantKey(names: readonly string[], digests: FieldDigests): string {
  if (names.length === 0) return ''
  return hash(names.map((name) => `${name}:${digests.get(name) ?? ABSENT}`).join('\n'))
}

function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}

/** A member of a list with weights (RFC 9110 12.4.2): its name in lower case, and its weight from 0 to 1. */
interface Weighted {
  readonly name: string
  readonly weight: number
}

const WEIGHTED = new RegExp(
  `^(${TCHAR}+)(?:[ \\t]*;[ \\t]*q=(0(?:\\.\\d{0,3})?|1(?:\\.0{0,3})?))?$`, // RFC 9110 12.4.2
  'i',
)

/** Old names of codings, with the current names (RFC 9110 8.4.1). */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['x-gzip', 'gzip'],
  ['x-compress', 'compress'],
])

const NORMALIZERS: ReadonlyMap<string, (value: string) => string | undefined> = new Map([
  ['accept', withoutListSpaces],
  ['accept-charset', (value: string) => parseWeighted(value)?.map(formatWeighted).join()],
  ['accept-encoding', acceptEncoding],
  ['accept-language', acceptLanguage],
])

/**
 * Fields that are not lists, although their values may have commas. Credentials, above all, must never match by
 * accident.
 */
const NO_LISTS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'date',
  'from',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'proxy-authorization',
  'referer',
  'user-agent',
])

/** @param name in lower case */
export function normalizeField(name: string, value: string): string {
  const text = trimBlanks(value)
  const normalize = NORMALIZERS.get(name)
  // Keep a malformed value unchanged. It cannot equal a normalized value, because every normalized value parses.
  if (normalize !== undefined) return normalize(text) ?? text
  return NO_LISTS.has(name) ? text : withoutCommaSpaces(text)
}

/** Returns the members, or undefined if one is malformed. */
function parseWeighted(value: string): Weighted[] | undefined {
  const members: Weighted[] = []
  for (const member of listMembers(value)) {
    const [, name, weight] = WEIGHTED.exec(member) ?? []
    if (name === undefined) return undefined
    members.push({ name: name.toLowerCase(), weight: Number(weight ?? 1) })
  }
  return members
}

/** Returns the shortest equivalent form. */
function formatWeighted({ name, weight }: Weighted): string {
  return weight === 1 ? name : `${name};q=${weight}`
}

/** Sorts codings, because their order has no meaning (RFC 9110 12.5.3). */
function acceptEncoding(value: string): string | undefined {
  const members = parseWeighted(value)?.map(({ name, weight }) => ({ name: ALIASES.get(name) ?? name, weight }))
  return members && hasNoDuplicate(members) ? members.map(formatWeighted).sort().join() : undefined
}

/**
 * Sorts languages by weight, because only weights express preference (RFC 9110 12.5.4). Equal weights keep their order.
 */
function acceptLanguage(value: string): string | undefined {
  const members = parseWeighted(value)
  if (members === undefined || !hasNoDuplicate(members)) return undefined
  return members
    .sort((a, b) => b.weight - a.weight)
    .map(formatWeighted)
    .join()
}

/** False for a list that names a member twice. No specification says which weight counts, so the order may matter. */
function hasNoDuplicate(members: readonly Weighted[]): boolean {
  return new Set(members.map(({ name }) => name)).size === members.length
}

/** Removes spaces around members and parameters. Keeps the case, because it may matter in a media type's parameter. */
function withoutListSpaces(value: string): string | undefined {
  const members = listMembers(value)
  if (members.some((member) => member.includes('"'))) return undefined
  return members.map((member) => member.split(';').map(trimBlanks).join(';')).join()
}

/** Keeps a value with quotes or escapes unchanged, because a comma in it may be an ordinary character. */
function withoutCommaSpaces(value: string): string {
  return /["\\]/.test(value) ? value : value.split(',').map(trimBlanks).join()
}
