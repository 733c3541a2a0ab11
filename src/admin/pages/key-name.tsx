import type { Scope } from '../../values/key.ts'
import { shortName, visibleName } from '../../values/visible-name.ts'
import { keyParameter } from '../area.ts'

/** A page of the longest keys would else be mostly keys. */
const SHOWN_CHARACTERS = 72
/** A part of a stored key, with the bar that ends a namespace. */
const PART = /((?:\\.|[^|\\])*)(\||$)/gsu

/** A key as its owner sees it: its namespaces, then itself. */
export function keyText(scope: Scope, stored: string, maxLength = SHOWN_CHARACTERS): string {
  const own = stored.slice(scope.prefix.length)
  const parts = [...own.matchAll(PART)].filter(({ 0: part }) => part !== '')
  const text = parts.map(([, part = '', end]) => (end === '|' ? namespaceText(part) : visibleName(unescaped(part))))
  return shortName(text.join(' / '), maxLength, stored)
}

/** A version is stored as `\@2`, and shown as `@2`. A namespace that is called `@2` is shown with a backslash. */
function namespaceText(part: string): string {
  if (part.startsWith('\\@')) return `@${visibleName(unescaped(part.slice('\\@'.length)))}`
  const name = visibleName(unescaped(part))
  return name.startsWith('@') ? `\\${name}` : name
}

function unescaped(part: string): string {
  return part.replace(/\\(.)/gsu, '$1')
}

/** A key with the way to its page. */
export const KeyLink = ({ scope, stored, maxLength }: { scope: Scope; stored: string; maxLength?: number }) => (
  <a href={`./entry?key=${keyParameter(stored)}`}>{keyText(scope, stored, maxLength)}</a>
)
