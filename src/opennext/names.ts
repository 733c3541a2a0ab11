/** Keys and tags of Next as names that the cache accepts. */
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

/** Bytes of a name that is stored as it is. With a prefix and namespaces it stays below a key's bound. */
const MAX_NAME_BYTES = 256
/** Leaves room for namespaces around it. */
const MAX_BUILD_LENGTH = 64
/** U+0000 and lone surrogates. Neither can be stored. */
const UNSTORABLE = /[\0\p{Surrogate}]/u
/** The separator and the escape of stored keys. The database builds the key of an event, and does not escape. */
const RESERVED = /[|\\]/

/** A key that is readable if it can be, and hashed otherwise. Keys are opaque texts of any length. */
export function entryName(kind: string, key: string): string {
  return isPlain(key) ? `${kind}:${key}` : `${kind}#${hashText(key)}`
}

/** The name under which the events of a tag are stored, and which an entry carries as a tag. */
export function tagName(tag: string): string {
  return isPlain(tag) && !RESERVED.test(tag) ? tag : `#${hashText(tag)}`
}

/** The version of the namespace of a build. Programs may choose build ids of any length. */
export function buildName(id: string): string {
  return isPlain(id) && id.length <= MAX_BUILD_LENGTH ? id : hashText(id)
}

function isPlain(name: string): boolean {
  return name !== '' && !UNSTORABLE.test(name) && utf8ToBytes(name).length <= MAX_NAME_BYTES
}

/** The SHA-256 of a text's UTF-16 units. UTF-8 would make one text of all lone surrogates. */
function hashText(text: string): string {
  const bytes = new Uint8Array(text.length * 2)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    bytes[2 * i] = unit >> 8
    bytes[2 * i + 1] = unit & 0xff
  }
  return bytesToHex(sha256(bytes))
}
