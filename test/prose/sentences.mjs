/** Splits prose into sentences, and finds those that break a rule. */

const MAX_WORDS = 35
const OPENERS = /^(?:what|who|whoever|whatever|whose|of|to one that)\b(?!['’-])/i
const QUESTION = /^(?:what|who|whose)\b[\s\S]*\?["'”’)]*$/i
/** Words that follow a possessive only if it has no noun. */
const NO_NOUN = new Set(
  `is are was were has have had goes go would could can may might must will shall should does do did comes stays in on at of for from to by with as before
  after if when while than that which who and or but so because until since into over under beside not nor too also alone`.split(
    /\s+/,
  ),
)

/**
 * The sentences of a passage, each with its offset.
 *
 * @param {string} passage paragraphs and list items, separated by empty lines or form feeds
 */
export function sentencesOf(passage) {
  const found = []
  let start = 0
  for (const paragraph of passage.split(/(\n[ \t]*(?=\n)|\f)/)) {
    // A period ends a sentence only before a capital letter or our own name, and not after an abbreviation.
    const parts = paragraph.split(
      /(?<=(?<!\b(?:e\.g|i\.e|vs|cf|al|no))[.!?]["'”’)\]]*)(\s+)(?=["'“‘([*]*(?:[\p{Lu}`×]|pgstash\b))/u,
    )
    for (const part of parts) {
      const sentence = part.replaceAll(/\s+/g, ' ').trim()
      if (sentence !== '') found.push({ sentence, offset: start + part.length - part.trimStart().length })
      start += part.length
    }
  }
  return found
}

/** @param {string} sentence @returns {string[]} the rules that it breaks */
export function faultsOf(sentence) {
  const words = plain(sentence)
  const faults = []
  const opening = words.replace(/^[^\p{L}\p{N}]+/u, '')
  if (OPENERS.test(opening) && !QUESTION.test(opening)) {
    faults.push(`begins with "${opening.split(' ')[0]}" and is no question`)
  }
  for (const [, possessive = '', next = ''] of words.matchAll(
    /\b(another['’]s|(?:an)?other['’]s|others['’])(?:\s+([\p{L}-]+))?/giu,
  )) {
    if (next === '' || NO_NOUN.has(next.toLowerCase())) faults.push(`"${possessive}" has no noun`)
  }
  const count = words.split(' ').filter((word) => /[\p{L}\p{N}]/u.test(word)).length
  if (count > MAX_WORDS) faults.push(`has ${count} words, and may have ${MAX_WORDS}`)
  return faults
}

/** Code in backticks counts as one word, and a link as its text. */
function plain(sentence) {
  return sentence
    .replaceAll(/(`+)(?:(?!\1)[\s\S])+\1/g, 'code')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\{@link\s+([^}]*)\}/g, 'code')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
