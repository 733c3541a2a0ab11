/** Finds the option that a caller meant: by the names that other libraries use, and by its spelling. */

/**
 * The names that other libraries use for an option, in lower case and without `-` and `_`. They come from Redis
 * clients, lru-cache, keyv, cacheable, bentocache, Next, TanStack Query, express-rate-limit and memoizers. Names that
 * {@link findRelated} or {@link findNearest} find are omitted.
 */
const OTHER_WORDS: Record<string, string> = {
  expiration: 'ex exp px life lifetime maxage age cachetime gctime timetolive revalidate duration',
  period: 'window interval per duration ttl expiration refillinterval',
  limit: 'max points requests tokens maxrequests capacity count',
  maxEntries: 'max maxsize maxitems maxkeys capacity size limit items',
  maxBytes: 'maxsize maxmemory size memory sizelimit',
  maxValueBytes: 'maxsize maxvaluesize maxentrysize maxitemsize valuelimit',
  maxAge: 'maxttl maxlifetime totalttl absoluteexpiration hardttl',
  tags: 'cachetag dependencies dependson labels',
  stale: 'swr grace graceperiod',
  staleIfError: 'sie errorgrace',
  sliding: 'slide slidingexpiration rolling renew touch updateageonget refreshonread extend',
  lease: 'lock locktimeout lockttl mutex locktime',
  algorithm: 'limiter strategy type kind',
  refill: 'refillrate fillrate refillamount tokensperinterval',
  cost: 'rate weight',
  blockList: 'ephemeralcache blocked inmemoryblock denylist',
  softTimeout: 'patience',
  backoff: 'gracebackoff failsafethrottleduration retryafter cooldown',
  beta: 'xfetch early earlyrefresh earlyexpiration refreshahead refreshthreshold',
  namespace: 'prefix keyprefix ns scope keyspace name',
  key: 'cachekey keygenerator prefix name serializer resolver id',
  prefix: 'startswith match pattern search filter namespace',
  cursor: 'after offset page from start next',
  timeout: 'deadline maxwait',
  timeBudget: 'timeout maxduration maxtime timelimit duration',
  batch: 'chunk chunksize size limit count',
  codec: 'serializer serialize encoder transformer stringify superjson',
  onEvent: 'logger log listener emitter events hooks stats',
  onError: 'failopen failsafe errorhandler suppresserrors ignoreerrors softfail',
  onLimit: 'handler onblocked message',
  failOpen: 'passonstoreerror onerror failsafe',
  cache: 'store storage client adapter driver',
  tables: 'tablename schema',
  fallback: 'default defaultvalue placeholder',
  secret: 'token password apikey auth authorization bearer key',
  signal: 'abort abortcontroller cancel',
  waitUntil: 'ctx context executioncontext background',
  l1: 'memory local near first',
  l2: 'remote far second database',
  l1Expiration: 'localttl memoryttl ttl',
  nodes: 'shards servers hosts members caches',
  stores: 'drivers caches',
  database: 'url connectionstring',
  dataDir: 'folder dir directory path data datafolder',
  current: 'active primary',
  milliseconds: 'ms msec msecs',
  seconds: 's sec secs',
  minutes: 'm min mins',
  hours: 'h hr hrs',
  days: 'd',
  every: 'interval period flushinterval',
  keep: 'retention ttl expiration',
}
/** All other names for `expiration`. */
const EXPIRATION = /ttl|expir/
const UNIT = /(?:ms|seconds)$/

/** The names that other libraries use for spans in milliseconds. */
const IN_MILLISECONDS = /^p?x$|ms$/
const NUMBERS_ARE_SECONDS = new Set([
  'expiration',
  'period',
  'stale',
  'staleIfError',
  'lease',
  'backoff',
  'maxAge',
  'l1Expiration',
  'every',
  'keep',
])

/** One typing error is allowed per three letters. */
const LETTERS_PER_ERROR = 3

/** Returns a question such as `did you mean expiration?`. Returns undefined if no option is similar. */
export function suggestion(unknown: string, known: readonly string[]): string | undefined {
  const word = plain(unknown)
  const words = [word, word.replace(UNIT, '')]
  const meant =
    known.find((name) => OTHER_WORDS[name]?.split(' ').some((other) => words.includes(other))) ??
    findRelated(word, known) ??
    (EXPIRATION.test(word) ? known.find((name) => name === 'expiration') : undefined) ??
    findNearest(word, known)
  if (meant === undefined) return undefined
  const units = IN_MILLISECONDS.test(word) && NUMBERS_ARE_SECONDS.has(meant) ? ' Its plain numbers are seconds.' : ''
  return `did you mean ${meant}?${units}`
}

/**
 * Returns an option whose name contains the word or is contained in it, such as `timeout` for `queryTimeout`. If there
 * are several, returns the one that is closest in length.
 */
function findRelated(word: string, known: readonly string[]): string | undefined {
  const isRelated = (name: string) =>
    (name.length >= LETTERS_PER_ERROR && word.includes(name)) ||
    (word.length > LETTERS_PER_ERROR && name.includes(word))
  const difference = (name: string) => Math.abs(name.length - word.length)
  return known.filter((name) => isRelated(plain(name))).sort((a, b) => difference(a) - difference(b))[0]
}

function findNearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(word.length / LETTERS_PER_ERROR)) + 1
  // Two words of two letters may share a letter by chance, so allow no error.
  if (word.length < LETTERS_PER_ERROR) fewest = 1
  for (const name of known) {
    const errors = distance(word, plain(name))
    if (errors < fewest) [best, fewest] = [name, errors]
  }
  return best
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let [beforeLast, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let errors = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1))
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) errors = Math.min(errors, at(beforeLast, j - 2) + 1)
      row.push(errors)
    }
    ;[beforeLast, last] = [last, row]
  }
  return at(last, b.length)
}

function at(row: number[] | undefined, index: number): number {
  return row?.[index] ?? Number.POSITIVE_INFINITY
}
