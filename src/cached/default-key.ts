/**
 * The default prefix of a function's keys: its name.
 *
 * Minifiers give functions of one to three letters the names of others: in each bundle, and each scope of a bundle, they
 * begin anew. Two routes of one program would then share entries, and answer with each other's values. So a name that is
 * as short gets a digest of the function's text. Longer names are left as they are, because other programs name the keys.
 */

import { InvalidOptionError } from '../values/errors.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import type { AnyFunction } from './plan.ts'

/** Minifiers need a fourth letter from some 200,000 names on. */
const MAX_MINIFIED_LETTERS = 3
const DIGEST_LETTERS = 12
const BOUND = /^(?:bound )+/
/** The text of every bound function is the same. */
const BOUND_TEXT = /^function \(\) \{\s*\[native code\]\s*\}$/

/**
 * @param name the function's, or for a method its class's
 * @param suffix what follows the name: a method's own name, which minifiers leave alone
 * @throws InvalidOptionError if nothing tells the function from others
 */
export function defaultKey(name: string, fn: AnyFunction, suffix = ''): string {
  if (name.replace(BOUND, '').length > MAX_MINIFIED_LETTERS) return `${name}${suffix}`
  const source = Function.prototype.toString.call(fn)
  if (BOUND_TEXT.test(source)) {
    throw new InvalidOptionError(
      'Expected the option key for a bound function whose name is as short as a minified one.',
    )
  }
  return `${name}${suffix}~${bytesToHex(sha256(utf8ToBytes(source))).slice(0, DIGEST_LETTERS)}`
}
