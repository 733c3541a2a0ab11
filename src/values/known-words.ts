/**
 * Reduces a foreign message to words that drivers and runtimes commonly use.
 *
 * A filter that looks for secrets misses some: encoded, cut in two, or of an unexpected form. So only known words pass:
 * the words of this list and of the caller's fixed texts, also with a common ending. Quoted text is removed whole,
 * because quotes contain values.
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

/** `closed` becomes `clos`. The list contains that form unless a text contains the whole word. */
const ENDING = /(?:ed|ing|ly|s)$/
const MAX_CHARACTERS = 500
/** A message with fewer known words is useless. */
const MIN_WORDS = 3
const QUOTED = /"[^"]*"?|'[^']*'|`[^`]*`?|“[^”]*”?/g
/** A word, followed by punctuation. */
const TOKEN = /^\(?([A-Za-z]+)[,.:;)]*$/

/**
 * Returns the known words of a message, with `…` for the rest. Returns undefined if too few words are known.
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
