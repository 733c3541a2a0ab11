import type { Scope } from '../../values/key.ts'
import { readableKey } from '../../values/key.ts'
import { keyParameter } from '../area.ts'
import { shortened, visible } from '../format.ts'

/** A page of the longest keys would else be mostly keys. */
const SHOWN_CHARACTERS = 72

/** A key as its owner sees it: its namespaces, then itself. */
export function keyText(scope: Scope, stored: string, maxLength = SHOWN_CHARACTERS): string {
  const { namespace, key } = readableKey(scope, stored)
  return shortened(visible([...namespace, key].join(' / ')), maxLength)
}

/** A key with the way to its page. */
export const KeyLink = ({ scope, stored, maxLength }: { scope: Scope; stored: string; maxLength?: number }) => (
  <a href={`./entry?key=${keyParameter(stored)}`}>{keyText(scope, stored, maxLength)}</a>
)
