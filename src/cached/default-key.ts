/**
 * The default prefix of a function's keys: its name.
 *
 * Minifiers give functions of one to three letters the names of others: in each bundle, and each scope of a bundle, they
 * begin anew. Two routes of one program would then share entries, and answer with each other's values. So a name that is
 * as short gets a digest of the function's text. Longer names are left as they are, because other programs name the keys.
 */

import { InvalidOptionError } from '../values/errors.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

/** Minifiers need a fourth letter from some 200,000 names on. */
const MAX_MINIFIED_LETTERS = 3
const DIGEST_LETTERS = 12
/**
 * Names that the language or a compiler makes up, so that many functions have them: of `bind`, accessors and symbols, of
 * `export default`, of `new Function`, and of classes without a name.
 */
const MADE_UP = /^(?:|(?:bound|get|set) .*|\[.*\]|(?:.*_)?default(?:_?\d+)?|anonymous|_class\d*|class_\d+)$/s

/** @throws InvalidOptionError for a name that does not tell the function from others; `owner` says whose name it is */
export function checkedName(name: unknown, owner = 'a function'): string {
  if (typeof name === 'string' && !MADE_UP.test(name)) return name
  throw new InvalidOptionError(`Expected the option key for ${owner} without a name of its own.`)
}

/** @throws InvalidOptionError */
export function defaultKey(fn: (...args: never[]) => unknown): string {
  const name = checkedName(fn.name)
  return isMinified(name) ? `${name}${digest(fn)}` : name
}

export function isMinified(name: string): boolean {
  return name.length <= MAX_MINIFIED_LETTERS
}

/** A digest of the texts of functions or classes. */
export function digest(...sources: unknown[]): string {
  const texts = sources.map((source) => Function.prototype.toString.call(source))
  return `~${bytesToHex(sha256(utf8ToBytes(texts.join('\0')))).slice(0, DIGEST_LETTERS)}`
}
