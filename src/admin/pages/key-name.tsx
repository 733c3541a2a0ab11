import type { Scope } from '../../values/key.ts'
import { shortName, visibleName } from '../../values/visible-name.ts'
import { keyParameter } from '../area.ts'

/** Longer keys would fill most of a page. */
const SHOWN_CHARACTERS = 72
/** Matches a part of a stored key, with the bar that ends a namespace. */
const PART = /((?:\\.|[^|\\])*)(\||$)/gsu

/** Formats a stored key as its owner wrote it: the namespaces, then the key. */
export function keyText(scope: Scope, stored: string, maxLength = SHOWN_CHARACTERS): string {
  const own = stored.slice(scope.prefix.length)
  const parts = [...own.matchAll(PART)].filter(({ 0: part }) => part !== '')
  const text = parts.map(([, part = '', end]) => (end === '|' ? namespaceText(part) : visibleName(removeEscapes(part))))
  return shortName(text.join(' / '), maxLength, stored)
}

/** A version is stored as `\@2` and shown as `@2`. A namespace named `@2` is shown with a backslash. */
function namespaceText(part: string): string {
  if (part.startsWith('\\@')) return `@${visibleName(removeEscapes(part.slice('\\@'.length)))}`
  const name = visibleName(removeEscapes(part))
  return name.startsWith('@') ? `\\${name}` : name
}

function removeEscapes(part: string): string {
  return part.replace(/\\(.)/gsu, '$1')
}

/** A key that links to its page. */
export const KeyLink = ({ scope, stored, maxLength }: { scope: Scope; stored: string; maxLength?: number }) => (
  <a href={`./entry?key=${keyParameter(stored)}`}>{keyText(scope, stored, maxLength)}</a>
)
