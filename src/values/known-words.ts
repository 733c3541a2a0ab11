/**
 * Reduces a foreign message to words that drivers and runtimes commonly use.
 *
 * Filters that look for secrets miss some: encoded, cut in two, or of a form that nobody thought of. So nothing passes
 * here but the words of this list, which any driver may say. Quoted text goes whole, because values stand in quotes.
 */

const WORDS = new Set(
  (
    'a abort aborted access after already an and answer any are as at attempt attempted authentication authorization ' +
    'available awaiting be because been before body broken buffer busy by call called can cannot certificate ' +
    'chain channel client close closed compute configuration configured connect connected connecting connection ' +
    'connections control could couldn create created data database decode decoding deadline denied depth did ' +
    'disabled disconnected do does driver during empty encoding end ended endpoint error errors exceeded exist ' +
    'existing exists exit expected expired failed failure fetch fetching field file for format found from function ' +
    'gateway get given handle handshake has have header headers host hostname http idle if in incomplete inside ' +
    'instead internal into invalid is issuer it its key length limit local long lookup lost malformed maximum memory ' +
    'message method missing module must name network no node non not null number object of off on only open operation ' +
    'option or other out packet parameter parse parsing password peer permission plane pool port ' +
    'private project properties property protocol provided proxy query quota rate read reading ready received refused ' +
    'rejected remote request requested required requires reset resolve response restarting result role rows ' +
    'route running runtime script self send sending server service session set shut shutting side signed size socket ' +
    'ssl start started starting state statement status stopped stream string support supported suspended syntax table ' +
    'temporarily terminated than that the there this time timed timeout tls to token too transaction trust try trying ' +
    'type unable unavailable undefined unexpected unexpectedly unknown unreachable unsupported until upstream url use ' +
    'user using valid value verify version was websocket were when while with without write writing wrong'
  ).split(' '),
)

const MAX_CHARACTERS = 500
/** Fewer say nothing. */
const MIN_WORDS = 3
const QUOTED = /"[^"]*"?|'[^']*'|`[^`]*`?|“[^”]*”?/g
/** A word, and the punctuation of a sentence behind it. */
const TOKEN = /^\(?([A-Za-z]+)[,.:;)]*$/

/** The known words of a message, with `…` for the rest; undefined if too few are known to say anything. */
export function knownWords(message: string): string | undefined {
  let known = 0
  const parts: string[] = []
  for (const token of message.slice(0, MAX_CHARACTERS).replace(QUOTED, ' … ').split(/\s+/)) {
    const [, word = ''] = TOKEN.exec(token) ?? []
    const isKnown = WORDS.has(word.toLowerCase())
    if (isKnown) known++
    if (isKnown) parts.push(token)
    else if (token !== '' && parts.at(-1) !== '…') parts.push('…')
  }
  return known < MIN_WORDS ? undefined : parts.join(' ')
}
