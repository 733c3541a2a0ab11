/** Converts Next's keys and tags to names that the cache accepts. The handlers for Next and OpenNext use them. */
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

/**
 * The longest name that is stored unchanged. With a mark's prefix and a namespace, it stays below the limit of a key.
 */
const MAX_NAME_BYTES = 256
/**
 * The separator and the escape character of stored keys. The database builds the key of a mark, and it does not escape.
 */
const RESERVED = /[|\\]/

/** Returns the SHA-256 of a text's UTF-16 units. In UTF-8, all lone surrogates would become the same text. */
export function hashText(text: string): string {
  const bytes = new Uint8Array(text.length * 2)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    bytes[2 * i] = unit >> 8
    bytes[2 * i + 1] = unit & 0xff
  }
  return bytesToHex(sha256(bytes))
}

/** Returns a readable key if possible, otherwise a hashed one. */
export function entryKey(kind: string, key: string): string {
  return isPlain(key) ? `${kind}:${key}` : `${kind}#${hashText(key)}`
}

/** Returns the name under which the mark of a tag is stored. */
export function markName(tag: string): string {
  return isPlain(tag) && !RESERVED.test(tag) ? tag : `#${hashText(tag)}`
}

/**
 * Returns the tags of an entry in the cache: its mark names, and each tag itself, so that `cache.invalidate` finds it.
 */
export function namesOf(tags: readonly string[]): string[] {
  return [...new Set(tags.flatMap((tag) => (isStorable(tag) ? [tag, markName(tag)] : [markName(tag)])))]
}

function isStorable(name: string): boolean {
  return name !== '' && !name.includes('\0') && name.isWellFormed()
}

/** True for a name that can be stored unchanged. */
export function isPlain(name: string): boolean {
  return isStorable(name) && name.length <= MAX_NAME_BYTES && utf8ToBytes(name).length <= MAX_NAME_BYTES
}

/**
 * Returns the tags that one `revalidateTag` affects. A page has its tags in a header, joined by commas, so a tag with a
 * comma looks like two tags there. The result has the tag itself and its parts.
 */
export function expandTags(tags: readonly unknown[]): string[] {
  const given = tags.flat().filter((tag) => typeof tag === 'string')
  return [...new Set(given.flatMap((tag) => [tag, ...splitTags(tag)]))]
}

/** Splits a header into tags, as Next does. */
export function splitTags(header: unknown): string[] {
  return typeof header === 'string' ? header.split(',').filter((tag) => tag !== '') : []
}
