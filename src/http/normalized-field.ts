/**
 * Normalizes request fields, so that equal meanings select one variant and fewer variants are stored (RFC 9111 4.1).
 *
 * Values become equal only if the field's own specification calls them equal. Unknown fields are compared unchanged. `Headers`
 * has already joined several lines of one field with commas.
 */
import { listMembers, TCHAR, trimBlanks } from './fields.ts'

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
  ['accept-charset', (value) => parseWeighted(value)?.join()],
  ['accept-encoding', acceptEncoding],
  // Keep the order: many servers take the first language of equal weight (RFC 9110 12.5.4).
  ['accept-language', (value) => parseWeighted(value)?.join()],
])

/** @param name in lower case */
export function normalizeField(name: string, value: string): string {
  const text = trimBlanks(value)
  // Keep a malformed value unchanged. It never equals a normalized value, because those parse.
  return NORMALIZERS.get(name)?.(text) ?? text
}

/** Sorts codings, because their order has no meaning (RFC 9110 12.5.3). Keeps a value that names a coding twice unchanged. */
function acceptEncoding(value: string): string | undefined {
  const members = parseWeighted(value)
  const codings = new Set(members?.map((member) => member.split(';', 1)[0]))
  return members?.length === codings.size ? members.sort().join() : undefined
}

/** Returns the members in lower case with the shortest form of their weight, or undefined if one is malformed. */
function parseWeighted(value: string): string[] | undefined {
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

/** Removes spaces around members and parameters only: the case of a media type's parameter may matter. */
function withoutListSpaces(value: string): string | undefined {
  const members = listMembers(value)
  if (members.some((member) => member.includes('"'))) return undefined
  return members.map((member) => member.split(';').map(trimBlanks).join(';')).join()
}
