/**
 * The syntax of Cache-Control (RFC 9111 5.2): names and arguments, without their meaning.
 *
 * A malformed member counts as every restriction that it mentions, and never as a permission. For example,
 * `no-store; max-age=60` forbids storing.
 */
import { listMembers, TCHAR } from './fields.ts'

/** A directive's argument; undefined if it has none, null if it is malformed. */
export type Argument = string | undefined | null

/** The arguments by the directive's name in lower case, one for each occurrence. */
export type Directives = ReadonlyMap<string, readonly Argument[]>

const MEMBER = new RegExp(`^(${TCHAR}+)(?:=(?:(${TCHAR}+)|"((?:[^"\\\\]|\\\\.)*)"))?$`)
const TOKENS = new RegExp(`${TCHAR}+`, 'g')
const ESCAPED = /\\(.)/g

/** The directives that make a cache more careful. Reading one of them into malformed text cannot do harm. */
const RESTRICTIVE: ReadonlySet<string> = new Set([
  'no-store',
  'no-cache',
  'private',
  'max-age',
  's-maxage',
  'must-revalidate',
  'proxy-revalidate',
])

/** Parses names case-insensitively, and arguments as tokens or quoted strings for every directive (RFC 9111 5.2). */
export function parseDirectives(value: string | null): Directives {
  const directives = new Map<string, Argument[]>()
  const add = (name: string, argument: Argument) => {
    const seen = directives.get(name)
    if (seen) seen.push(argument)
    else directives.set(name, [argument])
  }
  for (const member of listMembers(value)) {
    const [, name, token, quoted] = MEMBER.exec(member) ?? []
    if (name !== undefined) add(name.toLowerCase(), token ?? quoted?.replace(ESCAPED, '$1'))
    else for (const word of findRestrictions(member)) add(word, null)
  }
  return directives
}

function findRestrictions(malformed: string): string[] {
  const words = malformed.toLowerCase().match(TOKENS) ?? []
  return words.filter((word) => RESTRICTIVE.has(word))
}
