/** Entity tags (RFC 9110 8.8.3). They are opaque: a backslash or a comma inside the quotes is an ordinary character. */
import { trimBlanks } from './fields.ts'

export interface EntityTag {
  readonly weak: boolean
  /** The text between the quotes. */
  readonly opaque: string
}

// An entity tag is not a quoted string: it has no escapes and no spaces, but may have obs-text. `W` must be upper case.
const ONE = '(W/)?"([\\x21\\x23-\\x7e\\x80-\\uffff]*)"'
const SINGLE = new RegExp(`^${ONE}$`)
// Match one run of blanks at a time. Otherwise a long run takes quadratic time.
const MEMBER = new RegExp(`[ \\t]*(?:${ONE}[ \\t]*)?(?:,|$)`, 'y')

/** Returns undefined if the tag is absent or malformed: such a response has no entity tag. */
export function parseEntityTag(value: string | null): EntityTag | undefined {
  const [, weak, opaque] = SINGLE.exec(trimBlanks(value ?? '')) ?? []
  return opaque === undefined ? undefined : { weak: weak !== undefined, opaque }
}

/** Parses a list as in If-None-Match. Returns undefined if any member is malformed: the list then matches nothing. */
export function parseEntityTags(value: string): readonly EntityTag[] | undefined {
  const tags: EntityTag[] = []
  MEMBER.lastIndex = 0
  while (MEMBER.lastIndex < value.length) {
    const [found, weak, opaque] = MEMBER.exec(value) ?? []
    if (found === undefined) return undefined
    if (opaque !== undefined) tags.push({ weak: weak !== undefined, opaque })
  }
  return tags
}

/** True if both tags name the same representation, byte for byte, as ranges and updates need (RFC 9110 8.8.3.2). */
export function strongMatch(a: EntityTag | undefined, b: EntityTag | undefined): boolean {
  return a !== undefined && b !== undefined && !a.weak && !b.weak && a.opaque === b.opaque
}

/** True if both tags name equivalent representations, as If-None-Match needs (RFC 9110 8.8.3.2). */
export function weakMatch(a: EntityTag | undefined, b: EntityTag | undefined): boolean {
  return a !== undefined && b !== undefined && a.opaque === b.opaque
}
