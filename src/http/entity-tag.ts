/** Entity tags (RFC 9110 8.8.3). They are opaque: a backslash or a comma within the quotes is an ordinary character. */
import { trimmed } from './fields.ts'

export interface EntityTag {
  readonly weak: boolean
  /** What stands between the quotes. */
  readonly opaque: string
}

// Not a quoted string: no escapes, no spaces; obs-text is allowed. W is upper case only.
const ONE = '(W/)?"([\\x21\\x23-\\x7e\\x80-\\uffff]*)"'
const SINGLE = new RegExp(`^${ONE}$`)
// One run of blanks at a time, or a long one would take quadratic time.
const MEMBER = new RegExp(`[ \\t]*(?:${ONE}[ \\t]*)?(?:,|$)`, 'y')

/** Undefined where it is absent or malformed: such a response has no entity tag. */
export function parseEntityTag(value: string | null): EntityTag | undefined {
  const [, weak, opaque] = SINGLE.exec(trimmed(value ?? '')) ?? []
  return opaque === undefined ? undefined : { weak: weak !== undefined, opaque }
}

/** A list such as If-None-Match carries; undefined where any part of it is malformed: it then matches nothing. */
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

/** The same representation, byte for byte: for ranges and for updating (RFC 9110 8.8.3.2). */
export function strongMatch(a: EntityTag | undefined, b: EntityTag | undefined): boolean {
  return a !== undefined && b !== undefined && !a.weak && !b.weak && a.opaque === b.opaque
}

/** An equivalent representation: for If-None-Match (RFC 9110 8.8.3.2). */
export function weakMatch(a: EntityTag | undefined, b: EntityTag | undefined): boolean {
  return a !== undefined && b !== undefined && a.opaque === b.opaque
}
