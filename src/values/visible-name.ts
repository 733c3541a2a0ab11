/** Writes keys, namespaces and tags so that every character is visible, and no two names look alike. */
import { bytesToHex, sha256, utf8ToBytes } from './sha256.ts'

/** Characters that are blank or zero-width, or without a glyph in common fonts. */
const INVISIBLE = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffc]/gu
/**
 * Spaces that mislead: browsers collapse runs of spaces, spaces at an end are invisible, and ` / ` separates
 * namespaces.
 */
const SPACES = /^ +| +$| {2,}| +(?=\/)|(?<=\/) +/g
/** A mark at the beginning would combine with the text before the name. */
const LONE_MARK = /(?<![\p{L}\p{M}\p{N}\p{P}\p{S}])\p{M}/gu
/** Characters that compose with the character before. The composed and decomposed forms of a name look the same. */
const COMPOSING = /[\p{M}\u1160-\u11ff]/u
const NOT_ASCII = /[^ -~]/gu
const WORD = /[\p{L}\p{M}]+/gu
/** Many letters of these scripts look like Latin letters, and no language mixes both in a word. */
const LATIN = /\p{Script=Latin}/u
const LIKE_LATIN = /\p{Script=Cyrillic}|\p{Script=Greek}|\p{Script=Armenian}|\p{Script=Cherokee}/gu
/** Joiners with a visible effect: inside an emoji, and between letters of scripts that join. */
const JOINER =
  /(?<=\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d(?=\p{Extended_Pictographic})|(?<=(?!\p{Script=Latin})[\p{L}\p{M}])[\u200c\u200d](?=(?!\p{Script=Latin})\p{L})/gu

const FINGERPRINT_HEX = 8
/** A shortened name uses this share of its length for its end. */
const END_SHARE = 0.25

/** Writes invisible or indistinguishable characters of a name as `\u{…}`, and doubles its backslashes. */
export function visibleName(name: string): string {
  return escapeAt(name, hiddenPlaces(name), '\\\\')
}

/** The same for a stored name, from the database or a person. Its backslashes are already doubled. */
export function visibleStored(stored: string): string {
  return escapeAt(stored, hiddenPlaces(stored), '\\')
}

/** Writes a stored name in ASCII only, so that a reader can compare it letter by letter. */
export function asciiStored(stored: string): string {
  const places = hiddenPlaces(stored)
  for (const { index } of stored.matchAll(NOT_ASCII)) places.add(index)
  return escapeAt(stored, places, '\\')
}

/**
 * Shortens a visible name to at most `maxLength` characters. A shortened name keeps its end and gets a fingerprint, so
 * that names that differ only in the middle stay distinct.
 *
 * @param whole the text to fingerprint
 */
export function shortName(name: string, maxLength: number, whole: string): string {
  if (name.length <= maxLength) return name
  const fingerprint = bytesToHex(sha256(utf8ToBytes(whole))).slice(0, FINGERPRINT_HEX)
  const room = maxLength - FINGERPRINT_HEX - '… #'.length
  const end = Math.floor(room * END_SHARE)
  const beginning = name.slice(0, room - end).replace(/[\ud800-\udbff]$/, '')
  return `${beginning}…${name.slice(name.length - end).replace(/^[\udc00-\udfff]/, '')} #${fingerprint}`
}

/** Returns the indexes, in UTF-16 units, of the characters that must be escaped. */
function hiddenPlaces(name: string): Set<number> {
  const places = new Set<number>()
  const mark = (pattern: RegExp, text = name, from = 0) => {
    for (const { 0: found, index } of text.matchAll(pattern)) {
      let at = from + index
      for (const character of found) {
        places.add(at)
        at += character.length
      }
    }
  }
  mark(INVISIBLE)
  for (const { index } of name.matchAll(JOINER)) places.delete(index)
  mark(SPACES)
  mark(LONE_MARK)
  for (const { 0: word, index } of name.matchAll(WORD)) {
    if (LATIN.test(word)) mark(LIKE_LATIN, word, index)
  }
  if (name !== name.normalize('NFC')) markComposing(name, places)
  return places
}

function markComposing(name: string, places: Set<number>): void {
  let at = 0
  for (const character of name) {
    if (COMPOSING.test(character) || character.normalize('NFC') !== character) places.add(at)
    at += character.length
  }
}

function escapeAt(name: string, places: ReadonlySet<number>, backslash: string): string {
  let text = ''
  let at = 0
  for (const character of name) {
    const hex = () => character.codePointAt(0)?.toString(16).padStart(4, '0')
    text += places.has(at) ? `\\u{${hex()}}` : character === '\\' ? backslash : character
    at += character.length
  }
  return text
}
