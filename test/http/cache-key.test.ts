import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheKey, keyPrefixes, type QueryRule } from '../../src/http/cache-key.ts'

const key = (href: string, query?: QueryRule, method = 'GET') => cacheKey(method, new URL(href), { query })

describe('the primary key (RFC 9111 2)', () => {
  it('consists of the readable method and URL, without the fragment', () => {
    expect(key('https://Example.com:443/a/../b?x=1&y=2#z')).toBe('GET https://example.com/b?x=1&y=2')
  })

  it.each([
    ['https://example.com/', 'http://example.com/'],
    ['https://example.com/', 'https://example.org/'],
    ['https://example.com/', 'https://example.com:8443/'],
    ['https://example.com/a', 'https://example.com/A'],
    ['https://example.com/a', 'https://example.com/a/'],
    ['https://example.com/a', 'https://example.com/a?'],
    ['https://example.com/a%2Fb', 'https://example.com/a/b'],
    ['https://example.com/?a=1&b=2', 'https://example.com/?b=2&a=1'],
    ['https://example.com/?a', 'https://example.com/?a='],
    ['https://example.com/?a=%20', 'https://example.com/?a=+'],
  ])('differs for %s and %s', (a, b) => {
    expect(key(a)).not.toBe(key(b))
  })

  it('is shared by HEAD and GET, and by no other method', () => {
    const url = 'https://example.com/'
    expect(key(url, undefined, 'HEAD')).toBe(key(url))
    expect(key(url, undefined, 'QUERY')).not.toBe(key(url))
  })

  it('cannot be forged by the text of a URL', () => {
    const parts = { parts: ['u'] }
    const forged = new URL(
      `https://example.com/a ${cacheKey('GET', new URL('https://example.com/a'), parts).split(' ')[2]}`,
    )
    expect(cacheKey('GET', forged)).not.toBe(cacheKey('GET', new URL('https://example.com/a'), parts))
  })

  it('differs by extra parts and credentials, and shows neither', () => {
    const url = new URL('https://example.com/')
    const keys = [['alice'], ['bob'], ['alice', 'bob'], ['alice bob'], []].map((parts) =>
      cacheKey('GET', url, { parts }),
    )
    expect(new Set(keys).size).toBe(5)
    expect(keys.join()).not.toMatch(/alice|bob/)
    expect(key('https://user:pass@example.com/')).not.toMatch(/user|pass/)
    expect(key('https://user:pass@example.com/')).not.toBe(key('https://example.com/'))
  })
})

describe('the query part of the key', () => {
  it('sorts parameters by name if configured, and keeps the order of values of one name', () => {
    const rule = { sort: true }
    expect(key('https://e.com/?b=1&a=2&b=0', rule)).toBe('GET https://e.com/?a=2&b=1&b=0')
    expect(key('https://e.com/?b=0&a=2&b=1', rule)).toBe('GET https://e.com/?a=2&b=0&b=1')
  })

  it('keeps only the allowed parameters', () => {
    expect(key('https://e.com/?utm=1&page=2&q=x', { allow: ['q', 'page'] })).toBe('GET https://e.com/?page=2&q=x')
    expect(key('https://e.com/?utm=1', { allow: ['q'] })).toBe('GET https://e.com/')
  })

  it('omits the ignored parameters, by name or by prefix, in any encoding', () => {
    const rule = { ignore: ['utm_*', 'fbclid'] }
    expect(key('https://e.com/?utm_source=1&b=2&fbclid=3&a=1&ut%6d_x', rule)).toBe('GET https://e.com/?a=1&b=2')
    expect(key('https://e.com/?fbclid2=3', rule)).toBe('GET https://e.com/?fbclid2=3')
  })

  it('keeps the order of the query if the rule says so', () => {
    expect(key('https://e.com/?b=1&x=1&a=2', { ignore: ['x'], sort: false })).toBe('GET https://e.com/?b=1&a=2')
  })

  it('never throws for a broken encoding', () => {
    expect(key('https://e.com/?%E0%A4=1&b=2', { ignore: ['b'] })).toBe('GET https://e.com/?%E0%A4=1')
  })

  it('is the same only for the same parameters, whatever their order', () => {
    const parameter = fc.tuple(fc.constantFrom('a', 'b', '%61', 'x y', 'é'), fc.constantFrom('', '1', '&', '=', '#'))
    const query = fc.array(parameter, { maxLength: 4 })
    const href = (list: [string, string][]) =>
      `https://e.com/?${list.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')}`
    const byName = (list: [string, string][]) =>
      JSON.stringify(
        list
          .map(([name, value], i) => [name, i, value] as const)
          .sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j))
          .map(([name, , value]) => [name, value]),
      )
    fc.assert(
      fc.property(query, query, (a, b) => {
        expect(key(href(a), { sort: true }) === key(href(b), { sort: true })).toBe(byName(a) === byName(b))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('percent-encoding in the key (RFC 3986 6.2.2)', () => {
  it.each([
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%7Eb', '/a~b'],
    ['/%41%5a%61%7a%30%39%2d%2e%5f%7e-', '/AZaz09-._~-'],
    ['/?%71=%c3%a9', '/?q=%C3%A9'],
    ['/a/%2e%2E/b', '/b'],
    ['/%2e%2e%2e/b', '/.../b'],
    ['/%%7e', '/%~'],
    ['/%%34%31', '/%%341'],
  ])('makes %s and %s equivalent', (a, b) => {
    expect(key(`https://e.com${a}`)).toBe(`GET https://e.com${b}`)
    expect(key(`https://e.com${b}`)).toBe(`GET https://e.com${b}`)
  })

  it.each([
    ...['%2F', '%3F', '%23', '%25', '%26', '%3D', '%2B', '%20', '%40', '%3A', '%7B', '%7F', '%00', '%C3%A9', '%FF'],
    ...['..%2F', '%zz', '%4', '%', '%%', '%4g', '%C3%A', '?%3D', '?a%26b=%2B'],
    // Decoding these would create new escapes: of A, of a dot, and of a slash.
    ...['%%341', '%4%31', '%%32e', '%2%65', '%%32F', '%2%46'],
  ])('leaves %s unchanged', (text) => {
    expect(key(`https://e.com/${text}`)).toBe(`GET https://e.com/${text}`)
  })

  it('lets rules match names in every spelling, even if the name is not UTF-8', () => {
    expect(key('https://e.com/?ut%6d_%ff=1&%C3%a9=2', { ignore: ['utm_*'] })).toBe('GET https://e.com/?%C3%A9=2')
    expect(key('https://e.com/?b=1&%61=%7e', { sort: true })).toBe('GET https://e.com/?a=~&b=1')
    expect(key('https://e.com/?a%2561=1&aa=2', { allow: ['a%61'] })).toBe('GET https://e.com/?a%2561=1')
  })

  it('gives two URLs one key only if they are equivalent, and always if their escapes are complete', () => {
    fc.assert(
      fc.property(fc.tuple(urlText, urlText).chain(maybeRespelled), ([a, b]) => {
        const isSame = key(a) === key(b)
        const isEquivalent = canonicalTokens(a).join(' ') === canonicalTokens(b).join(' ')
        if (isSame) expect(isEquivalent).toBe(true)
        if (isEquivalent && !canonicalTokens(a).includes('%')) expect(isSame).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  it('is idempotent, and leaves a URL that a parser does not change', () => {
    fc.assert(
      fc.property(urlText, (text) => {
        const [, normalized = ''] = key(text).split(' ')
        expect(new URL(normalized).href).toBe(normalized)
        expect(key(normalized)).toBe(key(text))
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('the key prefixes that a URL prefix covers', () => {
  it.each<[string, string[]]>([
    ['/blog/', ['/blog/']],
    ['/caf%c3%a9', ['/caf%C3%A9']],
    ['/%7Ejo', ['/~jo']],
    ['/é?q=é', ['/%C3%A9?q=%C3%A9']],
    ['/a/%2e%2e/b', ['/b']],
    ['/a/../b?c=/../', ['/b?c=/../']],
    ['/a/.', ['/a/']],
    // This prefix ends within an escape. A stored key may hold the complete escape or the character that it encodes.
    ['/caf%c3%a', ['/caf%C3%a', '/caf%C3%A']],
    ['/a%4', ['/a%4', ...[...'ABCDEFGHIJKLMNO@'].slice(0, -1).map((letter) => `/a${letter}`)]],
    ['/a?b=%7', ['/a?b=%7', ...[...'pqrstuvwxyz~'].map((letter) => `/a?b=${letter}`)]],
  ])('for %s are %o', (prefix, expected) => {
    expect(keyPrefixes(`https://E.com:443${prefix}`)).toEqual(expected.map((path) => `GET https://e.com${path}`))
  })

  it('find every URL with a spelling that begins with the prefix', () => {
    fc.assert(
      fc.property(urlText, fc.nat(), (text, end) => {
        const prefix = text.slice(0, ORIGIN.length + 1 + (end % (text.length - ORIGIN.length)))
        // A later `/../` may lead out of the prefix. Such a URL does not begin with it.
        fc.pre(!/\/\.|\/%2e/i.test(text))
        const found = keyPrefixes(prefix)
        expect(found.some((each) => key(text).startsWith(each))).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  it('find only URLs with a spelling that begins with the prefix', () => {
    fc.assert(
      fc.property(urlText, fc.nat(), fc.array(piece, { maxLength: 3 }), (text, end, rest) => {
        fc.pre(!/\/\.|\/%2e/i.test(text))
        const prefix = text.slice(0, ORIGIN.length + 1 + (end % (text.length - ORIGIN.length)))
        // An escaped dot would be resolved like a dot segment, which finds too many URLs.
        fc.pre(!/\/(?:\.|%2e)*%2?$/i.test(prefix))
        for (const each of keyPrefixes(prefix)) {
          const url = `${each.slice('GET '.length)}${rest.join('')}`
          if (new URL(url).href !== url || canonicalTokens(url).includes('%')) continue
          expect(canBegin(canonicalTokens(url), prefix.replaceAll('é', '%C3%A9')), `${url} from ${prefix}`).toBe(true)
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

const ORIGIN = 'https://e.com'
const piece = fc.constantFrom(
  ...['a', 'A', 'f', '4', '1', '2', 'e', 'E', '~', '.', '-', 'é', '/', '?', '&', '=', '+', 'z', '%', '%%'],
  ...['%41', '%4', '%61', '%2e', '%2E', '%7e', '%2f', '%2F', '%c3%a9', '%C3%A9', '%34', '%31', '%zz', '%25'],
)
const urlText = fc.array(piece, { maxLength: 8 }).map((pieces) => `${ORIGIN}/${pieces.join('')}`)

/** Unrelated URLs are rarely equivalent, so most pairs replace the second URL by another spelling of the first. */
function maybeRespelled([a, b]: [string, string]): fc.Arbitrary<[string, string]> {
  const spellings = tokens(new URL(a).href.slice(ORIGIN.length + 1)).map(({ text }) =>
    fc.constantFrom(...spellingsOf(text)),
  )
  const respelled = fc.tuple(...spellings).map((parts) => `${ORIGIN}/${parts.join('')}`)
  return fc.oneof({ weight: 1, arbitrary: fc.constant(b) }, { weight: 4, arbitrary: respelled }).map((c) => [a, c])
}

/** A slow and plain reference implementation: a URL as its characters, some of them escaped. */
function tokens(text: string): { text: string; isEscaped: boolean }[] {
  const found: { text: string; isEscaped: boolean }[] = []
  for (let i = 0; i < text.length; i++) {
    const three = text.slice(i, i + 3)
    const isEscaped = three.length === 3 && three[0] === '%' && !Number.isNaN(Number(`0x${three.slice(1)}`))
    found.push({ text: isEscaped ? three.toUpperCase() : (text[i] ?? ''), isEscaped })
    if (isEscaped) i += 2
  }
  return found
}

function canonicalTokens(href: string): string[] {
  return tokens(new URL(href).href).map(({ text, isEscaped }) => {
    const character = isEscaped ? String.fromCharCode(Number(`0x${text.slice(1)}`)) : text
    return isUnreserved(character) ? character : text
  })
}

function isUnreserved(character: string): boolean {
  return 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'.includes(character)
}

/** All spellings of a token that RFC 3986 calls equivalent. */
function spellingsOf(text: string): string[] {
  if (text.length === 1 && !isUnreserved(text)) return [text]
  const encoded = text.length === 1 ? `%${text.charCodeAt(0).toString(16)}` : text
  const [lower, upper] = [encoded.toLowerCase(), encoded.toUpperCase()]
  const escapes = [lower, upper, lower.slice(0, 2) + upper.slice(2), upper.slice(0, 2) + lower.slice(2)]
  return text.length === 1 ? [text, ...escapes] : escapes
}

/** True if some spelling of the tokens begins with the text. */
function canBegin(canonical: string[], text: string): boolean {
  const [first, ...rest] = canonical
  if (text === '') return true
  if (first === undefined) return false
  return spellingsOf(first).some((spelling) =>
    text.length < spelling.length
      ? spelling.startsWith(text)
      : text.startsWith(spelling) && canBegin(rest, text.slice(spelling.length)),
  )
}
