/**
 * The syntax of Cache-Control (RFC 9111 5.2): names and arguments, before anyone asks what they mean.
 *
 * Whatever cannot be read is read against the sender: a malformed member still counts as every restriction it mentions
 * (`no-store; max-age=60` forbids storing), and never as a permission.
 */
import { listMembers, TCHAR } from './fields.ts'

/** A directive's argument; undefined where it has none, null where it cannot be read. */
export type Argument = string | undefined | null

/** The arguments by the directive's name in lower case, one for each time it appears. */
export type Directives = ReadonlyMap<string, readonly Argument[]>

const MEMBER = new RegExp(`^(${TCHAR}+)(?:=(?:(${TCHAR}+)|"((?:[^"\\\\]|\\\\.)*)"))?$`)
const TOKENS = new RegExp(`${TCHAR}+`, 'g')
const ESCAPED = /\\(.)/g

/** The directives that can only make a cache more careful if they are read into text that is none. */
const RESTRICTIVE: ReadonlySet<string> = new Set([
  'no-store',
  'no-cache',
  'private',
  'max-age',
  's-maxage',
  'must-revalidate',
  'proxy-revalidate',
])

/** Names are case-insensitive; arguments may be tokens or quoted strings, whatever the directive (RFC 9111 5.2). */
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
    else for (const word of mentioned(member)) add(word, null)
  }
  return directives
}

function mentioned(malformed: string): string[] {
  const words = malformed.toLowerCase().match(TOKENS) ?? []
  return words.filter((word) => RESTRICTIVE.has(word))
}
