/** Hostile and malformed messages through every function that the middleware calls. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as http from '../../src/http/index.ts'
import { date, HOUR, NOW, response } from './messages.ts'

const NAMES = [
  ...[
    'accept',
    'accept-encoding',
    'age',
    'authorization',
    'cache-control',
    'cache-groups',
    'cache-tag',
    'cdn-cache-control',
  ],
  ...[
    'connection',
    'content-length',
    'content-location',
    'content-range',
    'content-type',
    'cookie',
    'date',
    'etag',
    'expires',
  ],
  ...[
    'if-modified-since',
    'if-none-match',
    'if-range',
    'last-modified',
    'location',
    'pragma',
    'range',
    'set-cookie',
    'vary',
  ],
  ...['cache-group-invalidation', '__proto__', 'x-own'],
]
const PIECES = [
  ...['max-age=60', 's-maxage', 'public', 'private', 'no-cache="', 'no-store', 'must-revalidate', 'stale-if-error=9'],
  ...[
    ',',
    ';',
    '=',
    '"',
    '\\',
    ' ',
    '*',
    'W/',
    '"v1"',
    '-1',
    '0',
    '99999999999',
    'bytes=',
    '-',
    '1.5',
    'é',
    "'",
    '(',
    ':',
    '?0',
  ],
  ...[date(0), date(HOUR), 'cookie', 'accept-encoding', 'gzip', 'q=0.5', 'https://other.example/', '//[', '@1', '%E0'],
]

const text = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((parts) => parts.join('').trim()),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) }),
  },
)
// The Headers class refuses control characters, and so does every server.
const headers = fc.array(fc.tuple(fc.constantFrom(...NAMES), text), { maxLength: 12 }).map((lines) => {
  const made = new Headers()
  for (const [name, value] of lines) made.append(name, value.replace(/[\x7f-\x9f]/g, ''))
  return made
})
const head = fc.record({ method: fc.constantFrom('GET', 'HEAD', 'POST', 'x'), headers })
const timed = fc.record({
  status: fc.constantFrom(200, 204, 206, 301, 304, 404, 500, 503, 600),
  headers,
  requestAt: fc.integer({ min: NOW - HOUR, max: NOW + HOUR }),
  responseAt: fc.integer({ min: NOW - HOUR, max: NOW + HOUR }),
})
// Mostly well-formed. Otherwise hardly any response would be a valid part.
const partial = fc
  .tuple(timed, fc.nat(9), fc.nat(9), fc.constantFrom('"v1"', '"v1"', 'W/"v1"', '"v2"'), fc.constantFrom(10, 10, 12))
  .map(([given, a, b, etag, length]) => {
    const fields = new Headers(given.headers)
    fields.delete('content-length')
    fields.set('content-range', `bytes ${Math.min(a, b)}-${Math.max(a, b)}/${length}`)
    fields.set('etag', etag)
    return { ...given, status: 206, headers: fields }
  })
const policy = fc
  .record({
    storeSetCookie: fc.boolean(),
    requestDirectives: fc.boolean(),
    heuristic: fc.boolean(),
    defaultLifetime: fc.constantFrom(undefined, 60),
    authenticated: fc.constantFrom('rfc', 'never', 'keyed'),
    staleIfError: fc.constantFrom(0, 60),
  })
  .map((options) => http.createPolicy(options))

const URL_ = new URL('https://example.com/a?b=c')

describe('for any messages', () => {
  it('nothing throws, and every answer is valid for a Response', () => {
    fc.assert(
      fc.property(head, timed, timed, policy, fc.nat(30), (request, stored, update, own, bodyBytes) => {
        http.bypassReason(request, own)
        http.mayStore(request, stored, own)
        http.reuse(request, stored, NOW, own)
        http.mayServeOnError(request, stored, NOW, own)
        http.invalidatedUrls(request.method, URL_, stored)
        http.invalidatedTags(request.method, URL_, stored)
        http.responseTags(URL_, stored.headers)
        http.forwardedFields(request.headers, stored)
        http.freshenBy304(request, stored, update, own)
        http.freshenByHead(request, stored, bodyBytes, update, own)
        http.servingSpans(stored, own)
        http.judge304(request, stored, update, own, ['accept'])
        http.isHeldByClient(request, update)
        http.varyRecordOf(['accept'], stored.headers, own)
        http.lifetimeOf(stored, own, { validatableMs: HOUR })
        http.mayStorePart(request, update, own)
        http.mayStorePost(request, URL_, update, own)
        const kept = { ...stored, headers: http.fieldsToStore(stored, own) }
        const { status, headers, body } = http.answer(request, kept, { now: NOW, bodyBytes })
        if (status < 600) expect(new Response(null, { status, headers }).status).toBe(status)
        if (typeof body === 'object') expect(body.last).toBeLessThan(bodyBytes)
        expect(headers.get('age')).toMatch(/^\d+$/)
      }),
      { numRuns: 3_000 },
    )
  })

  it('a part never serves a request for the whole body, and every partial answer lies within the stored bytes', () => {
    const bytes = fc.tuple(fc.nat(12), fc.boolean())
    fc.assert(
      fc.property(head, partial, partial, bytes, bytes, policy, (request, first, second, one, two, own) => {
        const [parts, more] = [http.receivedPart(first, ...one), http.receivedPart(second, ...two)]
        if (parts === undefined) return
        const stored = http.partToStore(first, parts, own)
        const combined = more && http.combineParts(stored, { response: second, parts: more }, own)
        for (const part of combined ? [stored, combined] : [stored]) {
          expect(part.response.status).toBe(http.isWhole(part.parts) ? 200 : 206)
          http.forwardPart(request, part)
          const found = http.answerPart(request, part, { now: NOW })
          if (found === undefined) continue
          expect(request.method === 'GET' && request.headers.has('range')).toBe(true)
          expect(new Response(null, found).status).toBe(found.status)
          if (typeof found.body === 'object') expect(found.body.last).toBeLessThan(http.storedLength(part.parts))
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('a restriction anywhere outside of a closed quoted string keeps a response from being shared', () => {
    const junk = text.map((value) => value.replace(/["\x7f-\x9f]/g, ''))
    const restriction = fc.constantFrom('no-store', 'private', 'No-Store', 'PRIVATE')
    const separator = fc.constantFrom(',', ', ', ' ,', ' ', ';', '\t')
    const request = { method: 'GET', headers: new Headers() }
    fc.assert(
      fc.property(junk, separator, restriction, separator, junk, (before, left, word, right, after) => {
        const given = response({ 'cache-control': `${before}${left}${word}${right}${after}`, etag: '"a"' })
        const decision = http.mayStore(request, given, http.createPolicy({ defaultLifetime: 60, targetedFields: [] }))
        // The rule for must-understand overrides no-store. No generated piece contains it.
        expect(decision.store).toBe(false)
      }),
      { numRuns: 3_000 },
    )
  })

  it('a stored response decides about reuse as it did before its unstored fields were removed', () => {
    fc.assert(
      fc.property(head, timed, policy, (request, given, own) => {
        if (!http.mayStore(request, given, own).store) return
        const kept = { ...given, headers: http.fieldsToStore(given, own) }
        const before = http.reuse(request, given, NOW + HOUR, own)
        expect(http.reuse(request, kept, NOW + HOUR, own)).toEqual(before)
        expect(http.varyNames(kept.headers, own)).toEqual(http.varyNames(given.headers, own))
      }),
      { numRuns: 3_000 },
    )
  })

  it('a stored response stays storable, so that a validation never deletes it without cause', () => {
    fc.assert(
      fc.property(head, timed, policy, (request, given, own) => {
        if (!http.mayStore(request, given, own).store) return
        const kept = { ...given, headers: http.fieldsToStore(given, own) }
        expect(http.mayStore(request, kept, own)).toEqual({ store: true })
      }),
      { numRuns: 3_000 },
    )
  })
})
