import { utf8Bytes } from '../../values/events.ts'
import { MAX_KEY_BYTES } from '../../values/key.ts'

/** A stored tag that was too long to be stored whole: the first tier would not know it again. */
export function isCut(tag: string): boolean {
  return utf8Bytes(tag) >= MAX_KEY_BYTES
}
