/**
 * The default prefix of a function's keys: its name.
 *
 * Minifiers rename functions to names of one to three letters, and reuse these names in each bundle and each scope.
 * Without a digest, two routes of one program could share entries and return each other's values. So a short name gets
 * a digest of the function's text. A longer name is left unchanged, because other programs may use these keys.
 */

import { InvalidOptionError } from '../values/errors.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

/** A minifier needs a fourth letter only beyond some 200,000 names. */
const MAX_MINIFIED_LETTERS = 3
const DIGEST_LETTERS = 12
/**
 * Names that the language or a compiler generates, so that many functions share them. They come from `bind`, accessors,
 * symbols, `export default`, `new Function`, and anonymous classes.
 */
const GENERATED = /^(?:|(?:bound|get|set) .*|\[.*\]|(?:.*_)?default(?:_?\d+)?|anonymous|_class\d*|class_\d+)$/s

/**
 * @param owner the owner of the name, for the message
 *
 * @throws InvalidOptionError if other functions may have the same name
 */
export function checkedName(name: unknown, owner = 'a function'): string {
  if (typeof name === 'string' && !GENERATED.test(name)) return name
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

/** Returns a digest of the texts of functions or classes. */
export function digest(...sources: unknown[]): string {
  const texts = sources.map((source) => Function.prototype.toString.call(source))
  return `~${bytesToHex(sha256(utf8ToBytes(texts.join('\0')))).slice(0, DIGEST_LETTERS)}`
}
