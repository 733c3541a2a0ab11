/**
 * Keys as they are stored: readable, bounded, and injective.
 *
 * A stored key is the path of namespaces and then the caller's key, joined by `|`:
 *
 *     cache.get('user:42')                          user:42
 *     cache.namespace('app').get('user:42')         app|user:42
 *     cache.namespace('a|b').get('k')               a\|b|k
 *
 * A `|` or `\` inside a name is escaped with `\`, so a bare `|` is always a boundary: namespace `a` with key `b|k`
 * never meets namespace `a|b` with key `k`. `|` was chosen because `:` and `/` are what people put into keys.
 *
 * A namespace's version is a scope nested in it, marked by `\@`, which no escaped name holds:
 *
 *     cache.namespace('app', { version: 2 }).get('k')   app|\@2|k
 */

import { describeType, InvalidKeyError } from './errors.ts'
import { optionsObject, wholeNumber } from './options.ts'
import { bytesToHex, sha256, utf8ToBytes } from './sha256.ts'

/** A btree entry must fit a third of a page even if it does not compress; 512 leaves room and stays readable. */
export const MAX_KEY_BYTES = 512
/** Leaves the readable part of a bounded key longer than any namespace, so that a scope is always a prefix. */
export const MAX_NAMESPACE_BYTES = 128

const SEPARATOR = '|'
/** Unescaped it stands for itself, so this is nobody's name. */
const VERSION_MARK = '\\@'
const HASH_MARK = '#'
const HASH_HEX_LENGTH = 64
const FILLER = '~'
/** Printable ASCII without `\` and `|`: nothing to refuse, to escape or to measure. */
const PLAIN = /^[ -[\]-{}~]+$/
/** With a scope of at most three bytes a character it stays below the bound. */
const PLAIN_LENGTH = MAX_KEY_BYTES / 3
const BOUNDED_FORM = /#[0-9a-f]{64}$/

// Without the option it would drop a leading U+FEFF, which is a character of a key like any other.
const DECODER = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })

/** Sorts after everything that starts with what stands before it: longer than any key, of the highest code point. */
const AFTER_ALL = '\u{10FFFF}'.repeat(MAX_KEY_BYTES / 4 + 1)

export interface NamespaceOptions {
  /**
   * Keeps apart what different versions of a program store: `1`, a date, a commit. What an older one stored is left
   * behind, until it expires and cleanup removes it; `namespace(name)` without a version covers all of them.
   */
  version?: string | number | undefined
}

/** The path of namespaces that a cache's keys live under; the root is empty. */
export interface Scope {
  /** The stored form, with its closing separator: what every key of the scope starts with. */
  readonly prefix: string
  readonly names: readonly string[]
}

export const ROOT: Scope = { prefix: '', names: [] }

/**
 * The scope nested in another under a name, or that of one of its versions.
 *
 * @throws InvalidKeyError when the name is not a key, or the whole path exceeds 128 bytes; InvalidOptionError
 */
export function nestedScope(parent: Scope, name: unknown, options?: NamespaceOptions): Scope {
  const { version } = optionsObject<NamespaceOptions>(options, ['version'])
  const scope = nested(parent, checked(name, 'namespace'))
  return version === undefined ? scope : nested(scope, checkedVersion(version), VERSION_MARK)
}

function checkedVersion(version: unknown): string {
  if (typeof version !== 'number') return checked(version, 'version')
  return String(wholeNumber('version', version, 0))
}

function nested(parent: Scope, name: string, mark = ''): Scope {
  const names = [...parent.names, mark === '' ? name : `@${name}`]
  const bytes = utf8ToBytes(names.join(SEPARATOR)).length
  if (bytes > MAX_NAMESPACE_BYTES) {
    throw new InvalidKeyError(
      `Expected a namespace of at most ${MAX_NAMESPACE_BYTES} bytes with those around it, got ${bytes}.`,
    )
  }
  return { prefix: parent.prefix + mark + escaped(name) + SEPARATOR, names }
}

/**
 * @param reserve bytes to leave free behind the key, for what is derived from it
 * @throws InvalidKeyError
 */
export function storedKey(scope: Scope, key: unknown, reserve = 0): string {
  // Most keys stand as they are; to know it by one look is a third of a hit in memory.
  if (typeof key === 'string' && scope.prefix.length + key.length + reserve < PLAIN_LENGTH && PLAIN.test(key)) {
    return scope.prefix + key
  }
  return bounded(scope.prefix + escaped(checked(key, 'key')), MAX_KEY_BYTES - reserve)
}

/** Tags are global, so they need no escaping. @throws InvalidKeyError */
export function storedTag(tag: unknown): string {
  return bounded(checked(tag, 'tag'))
}

/**
 * A tag as people have it: as it was given, or as pages show it, where one that was too long stands as it is stored. To
 * store that once more would make another tag of it.
 *
 * @throws InvalidKeyError
 */
export function shownTag(tag: string): string {
  return isBounded(tag) ? tag : storedTag(tag)
}

/** Unique stored tags, or null for none. A lone string is one tag, not an iterable of its characters. */
export function storedTags(tags: Iterable<string> | undefined): string[] | null {
  if (tags === undefined) return null
  const list = [...new Set(typeof tags === 'string' ? [tags] : iterate(tags, 'tags'))].map(storedTag)
  return list.length === 0 ? null : list
}

/** The keys of an iterable by what they are stored as: in its order, each once. @throws InvalidKeyError */
export function storedKeys(scope: Scope, keys: unknown): Map<string, string> {
  // A string is iterable, and its characters are certainly not the keys that were meant.
  if (typeof keys === 'string') throw new InvalidKeyError('Expected an iterable of keys, got a string.')
  return new Map(Array.from(iterate(keys, 'keys'), (key) => [storedKey(scope, key), key as string]))
}

/** A range of stored keys, `from` inclusive and `to` exclusive. */
export interface KeyRange {
  readonly from: string
  readonly to: string
}

/** The keys of a scope (and of those nested in it) that start with a prefix of the caller's. */
export function keyRange(scope: Scope, prefix = ''): KeyRange {
  const from = scope.prefix + (prefix === '' ? '' : escaped(checked(prefix, 'prefix')))
  return { from, to: from + AFTER_ALL }
}

/** A stored key as its owner sees it. */
export interface ReadableKey {
  /** The caller's key; what is left of it where it was too long to be stored whole. */
  readonly key: string
  /** The namespaces below the scope that it was read from. */
  readonly namespace: string[]
}

/** The inverse of {@link storedKey}, for listings. */
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

/** What a listed key was stored as below the scope that it was listed from, where it was not too long. */
export function pathOf(namespace: readonly string[], key: string): string {
  return [...namespace, key].map(escaped).join(SEPARATOR)
}

/**
 * What a stored key becomes in another scope; undefined where it was too long to be stored whole, so that nobody knows
 * what is to be hashed.
 *
 * @param path the stored key without its scope
 */
export function movedKey(from: string, to: string, path: string): string | undefined {
  if (from === to) return to + path
  return isBounded(from + path) ? undefined : bounded(to + path)
}

function isBounded(stored: string): boolean {
  return BOUNDED_FORM.test(stored) && utf8ToBytes(stored).length === MAX_KEY_BYTES
}

/** Orders as the database does, by code points; `<` orders by UTF-16 units, which differ above U+FFFF. */
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

function checked(name: unknown, what: 'key' | 'tag' | 'namespace' | 'version' | 'prefix'): string {
  if (typeof name !== 'string')
    throw new InvalidKeyError(`Expected a ${what} to be a string, got ${describeType(name)}.`)
  if (name === '') throw new InvalidKeyError(`Expected a ${what} of at least one character, got an empty string.`)
  if (name.includes('\0')) throw new InvalidKeyError(`Expected a ${what} without U+0000.`)
  if (!name.isWellFormed()) throw new InvalidKeyError(`Expected a ${what} without lone surrogates.`)
  return name
}

function iterate(items: unknown, what: string): Iterable<unknown> {
  if (typeof items === 'object' && items !== null && Symbol.iterator in items) return items as Iterable<unknown>
  throw new InvalidKeyError(`Expected an iterable of ${what}, got ${describeType(items)}.`)
}

function escaped(name: string): string {
  return name.replace(/[\\|]/g, '\\$&')
}

/**
 * What is longer than 512 bytes becomes exactly 512: its beginning, a mark, and the SHA-256 of the whole. A key of
 * 512 bytes that happens to look like that is hashed as well, or anyone could name another key's stored form.
 */
function bounded(name: string, maxBytes = MAX_KEY_BYTES): string {
  // A UTF-16 unit takes at most three bytes: most keys need no encoding to be known short.
  if (name.length * 3 < maxBytes) return name
  const bytes = utf8ToBytes(name)
  if (bytes.length < maxBytes) return name
  if (bytes.length === maxBytes && !BOUNDED_FORM.test(name)) return name
  // Cut at the start of a character, then fill up: the length is the form's mark.
  const readable = maxBytes - HASH_HEX_LENGTH - HASH_MARK.length
  let end = readable
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--
  const beginning = DECODER.decode(bytes.subarray(0, end)) + FILLER.repeat(readable - end)
  return beginning + HASH_MARK + bytesToHex(sha256(bytes))
}
