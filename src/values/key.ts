/**
 * Makes stored keys: readable, of bounded length, and different for different keys.
 *
 * A stored key is the path of namespaces followed by the caller's key, joined by `|`:
 *
 *     cache.get('user:42')                          user:42
 *     cache.namespace('app').get('user:42')         app|user:42
 *     cache.namespace('a|b').get('k')               a\|b|k
 *
 * A `|` or `\` inside a name is escaped with `\`, so a bare `|` is always a boundary. Namespace `a` with key `b|k`
 * never collides with namespace `a|b` with key `k`. Rejected: `:` and `/`, because people use them in keys.
 *
 * A version of a namespace is a scope nested in it. It is marked by `\@`, which no escaped name contains:
 *
 *     cache.namespace('app', { version: 2 }).get('k')   app|\@2|k
 */

import { describeType, InvalidKeyError } from './errors.ts'
import { optionsObject, wholeNumber } from './options.ts'
import { bytesToHex, sha256, utf8ToBytes } from './sha256.ts'

/**
 * A btree entry must fit into a third of a page, even if it does not compress. 512 bytes leave room and stay readable.
 */
export const MAX_KEY_BYTES = 512
/** Shorter than the readable part of a shortened key, so that a scope is always a prefix of its keys. */
export const MAX_NAMESPACE_BYTES = 128

const SEPARATOR = '|'
/** No escaped name contains this. */
const VERSION_MARK = '\\@'
const HASH_MARK = '#'
const HASH_HEX_LENGTH = 64
const FILLER = '~'
/** Printable ASCII without `\` and `|` needs no check, no escaping and no counting of bytes. */
const PLAIN = /^[ -[\]-{}~]+$/
/** A shorter key stays within `MAX_KEY_BYTES`, even if each character of its scope takes three bytes. */
const PLAIN_LENGTH = MAX_KEY_BYTES / 3
const SHORTENED_FORM = /#[0-9a-f]{64}$/

// Without `ignoreBOM` it would drop a leading U+FEFF, which is an ordinary character of a key.
const DECODER = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Appended to a prefix, this sorts after every key with that prefix. It consists of the highest code point, and is
 * longer than any key.
 */
const AFTER_ALL = '\u{10FFFF}'.repeat(MAX_KEY_BYTES / 4 + 1)

/** Options of `namespace`. */
export interface NamespaceOptions {
  /**
   * Separates the entries of different versions of your program: `1`, a date, a commit. Entries of an older version
   * stay until they expire and cleanup removes them. `namespace(name)` without a version includes all versions.
   * Default: none.
   */
  version?: string | number | undefined
}

/** The path of namespaces around a cache's keys. The root is empty. */
export interface Scope {
  /** The stored form, including the final separator. Every key of the scope starts with it. */
  readonly prefix: string
  /** The names of the namespaces, the outermost first. A version is written with an `@` before it. */
  readonly names: readonly string[]
}

export const ROOT: Scope = { prefix: '', names: [] }

/**
 * Returns the nested scope of a name, or of a version of the name.
 *
 * @throws InvalidKeyError if the name is not a key, or the whole path exceeds 128 bytes; InvalidOptionError
 */
export function nestedScope(parent: Scope, name: unknown, options?: NamespaceOptions): Scope {
  const { version } = optionsObject<NamespaceOptions>(options, ['version'])
  const scope = nestScope(parent, checkedName(name, 'namespace'))
  return version === undefined ? scope : nestScope(scope, checkedVersion(version), VERSION_MARK)
}

function checkedVersion(version: unknown): string {
  if (typeof version !== 'number') return checkedName(version, 'version')
  return String(wholeNumber('version', version, 0))
}

function nestScope(parent: Scope, name: string, mark = ''): Scope {
  const names = [...parent.names, mark === '' ? name : `@${name}`]
  const bytes = utf8ToBytes(names.join(SEPARATOR)).length
  if (bytes > MAX_NAMESPACE_BYTES) {
    throw new InvalidKeyError(
      `Expected a namespace of at most ${MAX_NAMESPACE_BYTES} bytes with those around it, got ${bytes}.`,
    )
  }
  return { prefix: parent.prefix + mark + escapeName(name) + SEPARATOR, names }
}

/**
 * Returns the stored form of a key.
 *
 * @param reserve bytes to leave free after the key, for names that are derived from it
 * @throws InvalidKeyError
 */
export function storedKey(scope: Scope, key: unknown, reserve = 0): string {
  // Most keys are stored unchanged. This shortcut saves a third of a hit in memory.
  if (typeof key === 'string' && scope.prefix.length + key.length + reserve < PLAIN_LENGTH && PLAIN.test(key)) {
    return scope.prefix + key
  }
  return shortenName(scope.prefix + escapeName(checkedName(key, 'key')), MAX_KEY_BYTES - reserve)
}

/** Returns the stored form of a tag. Tags are global, so they need no escaping. @throws InvalidKeyError */
export function storedTag(tag: unknown): string {
  return shortenName(checkedName(tag, 'tag'))
}

/**
 * Returns the stored form of a tag that a person entered or copied from a page. Pages show the stored form of a tag
 * that was too long. Shortening that form again would result in another tag.
 *
 * @throws InvalidKeyError
 */
export function shownTag(tag: string): string {
  return isShortened(tag) ? tag : storedTag(tag)
}

/**
 * Returns the unique stored tags, or null if there are none. A string is one tag, not an iterable of its characters.
 */
export function storedTags(tags: Iterable<string> | undefined): string[] | null {
  if (tags === undefined) return null
  const list = [...new Set(typeof tags === 'string' ? [tags] : iterate(tags, 'tags'))].map(storedTag)
  return list.length === 0 ? null : list
}

/** Returns the keys of an iterable by their stored form, in order and without duplicates. @throws InvalidKeyError */
export function storedKeys(scope: Scope, keys: unknown): Map<string, string> {
  // A string is iterable, but its characters cannot be the intended keys.
  if (typeof keys === 'string') throw new InvalidKeyError('Expected an iterable of keys, got a string.')
  const wanted = new Map<string, string>()
  for (const key of iterate(keys, 'keys')) wanted.set(storedKey(scope, key), key as string)
  return wanted
}

/**
 * Returns the part of a scope whose keys and nested namespaces start with the caller's prefix.
 *
 * @throws InvalidKeyError
 */
export function prefixScope(scope: Scope, prefix: unknown): Scope {
  return { ...scope, prefix: scope.prefix + escapeName(checkedName(prefix, 'prefix')) }
}

/** A range of stored keys. `from` is inclusive and `to` exclusive. */
export interface KeyRange {
  /** The first key that may be in the range. */
  readonly from: string
  /** The first key after the range. */
  readonly to: string
}

/** Returns the range of the keys, in a scope and the scopes nested in it, that start with the caller's prefix. */
export function keyRange(scope: Scope, prefix = ''): KeyRange {
  const from = scope.prefix + (prefix === '' ? '' : escapeName(checkedName(prefix, 'prefix')))
  return { from, to: from + AFTER_ALL }
}

/** A stored key as the caller knows it. */
export interface ReadableKey {
  /** The caller's key, shortened if it was too long to be stored whole. */
  readonly key: string
  /** The namespaces between the listed scope and the key. */
  readonly namespace: string[]
}

/** Returns the caller's form of a stored key, for listings. The inverse of {@link storedKey}. */
export function readableKey(scope: Scope, stored: string): ReadableKey {
  const parts: string[] = []
  let part = ''
  for (let i = scope.prefix.length; i < stored.length; i++) {
    if (stored[i] === '\\') part += stored[++i] ?? ''
    else if (stored[i] === SEPARATOR) {
      parts.push(part)
      part = ''
    } else part += stored[i]
  }
  return { key: part, namespace: parts }
}

/** Returns the stored form of a listed key, without the listed scope. It is wrong for a key that was too long. */
export function pathOf(namespace: readonly string[], key: string): string {
  return [...namespace, key].map(escapeName).join(SEPARATOR)
}

/**
 * Moves a stored key to another scope. Returns undefined if the key was too long to be stored whole, because the text
 * to hash is lost.
 *
 * @param path the stored key without its scope
 */
export function movedKey(from: string, to: string, path: string): string | undefined {
  if (from === to) return to + path
  return isShortened(from + path) ? undefined : shortenName(to + path)
}

/** Returns a stored key with another prefix before it. */
export function prefixedKey(prefix: string, stored: string): string {
  return shortenName(prefix + stored)
}

/** The arguments of one call of `namespace(name, { version })`. */
export interface NamespaceStep {
  readonly name: string
  readonly version?: string
}

/** Returns the calls of `namespace` that lead to a stored key or to the prefix of a scope, and the key to pass then. */
export function callPath(stored: string): { readonly namespaces: readonly NamespaceStep[]; readonly key: string } {
  const namespaces: NamespaceStep[] = []
  for (const [, name = '', separator] of stored.matchAll(/((?:\\[\s\S]|[^|\\])*)(\||$)/g)) {
    if (separator === '') return { namespaces, key: unescapeName(name) }
    const parent = name.startsWith(VERSION_MARK) ? namespaces.pop() : undefined
    namespaces.push(
      parent === undefined ? { name: unescapeName(name) } : { ...parent, version: unescapeName(name.slice(2)) },
    )
  }
  return { namespaces, key: '' }
}

function unescapeName(name: string): string {
  return name.replace(/\\([\s\S])/g, '$1')
}

function isShortened(stored: string): boolean {
  return SHORTENED_FORM.test(stored) && utf8ToBytes(stored).length === MAX_KEY_BYTES
}

/**
 * Orders by code points, as the database does. `<` orders by UTF-16 units, which differ above U+FFFF.
 *
 * @example
 * const rows = [...entries].sort((a, b) => byCodePoint(a.key, b.key))
 */
export function byCodePoint(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

function checkedName(name: unknown, kind: 'key' | 'tag' | 'namespace' | 'version' | 'prefix'): string {
  if (typeof name !== 'string')
    throw new InvalidKeyError(`Expected a ${kind} to be a string, got ${describeType(name)}.`)
  if (name === '') throw new InvalidKeyError(`Expected a ${kind} of at least one character, got an empty string.`)
  if (name.includes('\0')) throw new InvalidKeyError(`Expected a ${kind} without U+0000.`)
  if (!name.isWellFormed()) throw new InvalidKeyError(`Expected a ${kind} without lone surrogates.`)
  return name
}

function iterate(items: unknown, kind: string): Iterable<unknown> {
  if (typeof items === 'object' && items !== null && Symbol.iterator in items) return items as Iterable<unknown>
  throw new InvalidKeyError(`Expected an iterable of ${kind}, got ${describeType(items)}.`)
}

function escapeName(name: string): string {
  return name.replace(/[\\|]/g, '\\$&')
}

/**
 * Shortens a name of more than 512 bytes to exactly 512: its beginning, a mark, and the SHA-256 of the whole name. A
 * name of 512 bytes that looks like a shortened name is hashed as well. Otherwise a caller could pass the stored form
 * of another key.
 */
function shortenName(name: string, maxBytes = MAX_KEY_BYTES): string {
  // A UTF-16 unit takes at most three bytes, so most keys are short enough without encoding them.
  if (name.length * 3 < maxBytes) return name
  const bytes = utf8ToBytes(name)
  if (bytes.length < maxBytes) return name
  if (bytes.length === maxBytes && !SHORTENED_FORM.test(name)) return name
  // Cut at the start of a character, then pad, because the exact length marks a shortened name.
  const readable = maxBytes - HASH_HEX_LENGTH - HASH_MARK.length
  let end = readable
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--
  const beginning = DECODER.decode(bytes.subarray(0, end)) + FILLER.repeat(readable - end)
  return beginning + HASH_MARK + bytesToHex(sha256(bytes))
}
