/**
 * Request fields in a form that is equal for equal meanings (RFC 9111 4.1), so that fewer variants are stored.
 *
 * Only what the field's own specification calls the same is made the same; fields that are not known here are compared
 * as they are. Several lines of one name are one already: `Headers` joins them with commas.
 */
import { listMembers, TCHAR, trimmed } from './fields.ts'

const WEIGHTED = new RegExp(
  `^(${TCHAR}+)(?:[ \\t]*;[ \\t]*q=(0(?:\\.\\d{0,3})?|1(?:\\.0{0,3})?))?$`, // RFC 9110 12.4.2
  'i',
)

/** Older names of the same codings (RFC 9110 8.4.1). */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['x-gzip', 'gzip'],
  ['x-compress', 'compress'],
])

const NORMALIZERS: ReadonlyMap<string, (value: string) => string | undefined> = new Map([
  ['accept', withoutListSpaces],
  ['accept-charset', (value) => weighted(value)?.join()],
  ['accept-encoding', acceptEncoding],
  // In order: with equal weights, many servers take the first (RFC 9110 12.5.4).
  ['accept-language', (value) => weighted(value)?.join()],
])

/** @param name in lower case */
export function normalizedField(name: string, value: string): string {
  const text = trimmed(value)
  // What does not parse stays as it is: it never equals a normal form, for that parses.
  return NORMALIZERS.get(name)?.(text) ?? text
}

/** The order means nothing (RFC 9110 12.5.3). A coding given twice is left alone: nobody says which weight counts. */
function acceptEncoding(value: string): string | undefined {
  const members = weighted(value)
  const codings = new Set(members?.map((member) => member.split(';', 1)[0]))
  return members?.length === codings.size ? members.sort().join() : undefined
}

/** Members in lower case with the shortest form of their weight; undefined where one is malformed. */
function weighted(value: string): string[] | undefined {
  const members: string[] = []
  for (const member of listMembers(value)) {
    const [, name, weight] = WEIGHTED.exec(member) ?? []
    if (name === undefined) return undefined
    const lower = name.toLowerCase()
    const quality = Number(weight ?? 1)
    members.push((ALIASES.get(lower) ?? lower) + (quality === 1 ? '' : `;q=${quality}`))
  }
  return members
}

/** Media types have parameters whose case may matter: only spaces outside of quoted strings go. */
function withoutListSpaces(value: string): string | undefined {
  const members = listMembers(value)
  if (members.some((member) => member.includes('"'))) return undefined
  return members.map((member) => member.split(';').map(trimmed).join(';')).join()
}
