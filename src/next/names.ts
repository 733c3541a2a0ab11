/** Keys and tags of Next as names that the cache accepts. For the handlers of Next and of OpenNext. */
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

/** Bytes of a name that is stored as it is. With the prefix of a mark and a namespace, it stays below a key's bound. */
const MAX_NAME_BYTES = 256
/** The separator and the escape of stored keys. A mark's key is built in the database, which does not escape. */
const RESERVED = /[|\\]/

/** The SHA-256 of a text's UTF-16 units. UTF-8 would make one text of all lone surrogates. */
export function hashText(text: string): string {
  const bytes = new Uint8Array(text.length * 2)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    bytes[2 * i] = unit >> 8
    bytes[2 * i + 1] = unit & 0xff
  }
  return bytesToHex(sha256(bytes))
}

/** A key that is readable if it can be, and hashed otherwise. */
export function entryKey(kind: string, key: string): string {
  return isPlain(key) ? `${kind}:${key}` : `${kind}#${hashText(key)}`
}

/** The name under which a tag is marked. */
export function markName(tag: string): string {
  return isPlain(tag) && !RESERVED.test(tag) ? tag : `#${hashText(tag)}`
}

/** The tags of an entry in the cache: the names of its marks, and each tag itself, so that `cache.invalidate` finds it. */
export function namesOf(tags: readonly string[]): string[] {
  return [...new Set(tags.flatMap((tag) => (isStorable(tag) ? [tag, markName(tag)] : [markName(tag)])))]
}

function isStorable(name: string): boolean {
  return name !== '' && !name.includes('\0') && name.isWellFormed()
}

/** True for a name that can be stored as it is. */
export function isPlain(name: string): boolean {
  return isStorable(name) && name.length <= MAX_NAME_BYTES && utf8ToBytes(name).length <= MAX_NAME_BYTES
}

/**
 * The tags of one `revalidateTag`. A page carries its tags in a header, joined by commas, so a tag with a comma looks like two
 * tags there. Both readings are revalidated.
 */
export function expandTags(tags: readonly unknown[]): string[] {
  const given = tags.flat().filter((tag) => typeof tag === 'string')
  return [...new Set(given.flatMap((tag) => [tag, ...splitTags(tag)]))]
}

/** The tags of a header, as Next reads them. */
export function splitTags(header: unknown): string[] {
  return typeof header === 'string' ? header.split(',').filter((tag) => tag !== '') : []
}
