/**
 * Reduces a foreign message to words that drivers and runtimes commonly use.
 *
 * Filters that look for secrets miss some: encoded, cut in two, or of an unexpected form. So only known words pass: those
 * of this list, those of the caller's own fixed texts, and either with a common ending. Quoted text goes whole, because
 * values stand in quotes.
 */

const WORDS =
  'abort access already any are attempt authorization available await because broken buffer busy call can channel close ' +
  'configuration configur creat data deadline decode decod deni disconnect during encod errors existing exit expect ' +
  'expir fail failure fetch field file format from function gateway get given handle handshake header incomplete inside instead ' +
  'into length long malformed maximum message method module name non null number object off open operation option packet ' +
  'parameter pars peer permission private properties property protocol proxy read ready receiv reject remote requir reset response restart ' +
  'result route row run running runtime script send service shut size start state status stop stopped stream support syntax ' +
  'temporari that there tim token trust unavailable undefined unexpected unknown unsupported until upstream us value verify ' +
  'websocket while writ write wrong'

/** `closed` becomes `clos`, which the list holds if no text has the word itself. */
const ENDING = /(?:ed|ing|ly|s)$/
const MAX_CHARACTERS = 500
/** Fewer known words say nothing. */
const MIN_WORDS = 3
const QUOTED = /"[^"]*"?|'[^']*'|`[^`]*`?|“[^”]*”?/g
/** A word, and the punctuation of a sentence behind it. */
const TOKEN = /^\(?([A-Za-z]+)[,.:;)]*$/

/**
 * The known words of a message, with `…` for the rest. Undefined if too few are known.
 *
 * @param ownTexts fixed texts of this package, whose words are no secret
 */
export function knownWords(message: string, ownTexts: string): string | undefined {
  const words = new Set(`${WORDS} ${ownTexts.toLowerCase()}`.match(/[a-z]+/g))
  let known = 0
  const parts: string[] = []
  for (const token of message.slice(0, MAX_CHARACTERS).replace(QUOTED, ' … ').split(/\s+/)) {
    const word = TOKEN.exec(token)?.[1]?.toLowerCase() ?? ''
    const isKnown = words.has(word) || words.has(word.replace(ENDING, ''))
    if (isKnown) known++
    if (isKnown) parts.push(token)
    else if (token !== '' && parts.at(-1) !== '…') parts.push('…')
  }
  return known < MIN_WORDS ? undefined : parts.join(' ')
}
