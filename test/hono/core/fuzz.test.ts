import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createApp, createSite, emptied, type Site } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})

/** The characters that a header value may hold. `Headers` refuses all others. */
const value = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
  fc.stringMatching(/^[\t\x21-\x7e\x80-\xff ]{0,30}$/),
  fc.constantFrom('', ',', '"', '""', '=', ';', '*', '-1', '99999999999999999999', '\\', 'W/"a"', '"a', 'a,,b', 'NaN'),
)
const control = fc.oneof(
  value,
  fc
    .array(
      fc.constantFrom(
        ...[
          'max-age=60',
          'MAX-AGE="60"',
          's-maxage=9',
          'no-store',
          'NO-Store',
          'private',
          'private="x',
          'no-cache',
          'public',
        ],
        ...[
          'must-revalidate',
          'max-age',
          'max-age=',
          'max-age=-1',
          'max-age=1e3',
          'stale-while-revalidate=60',
          'immutable',
          ',',
          '"',
        ],
      ),
      { maxLength: 4 },
    )
    .map((list) => list.join(', ')),
)
const responseFields = fc.record(
  {
    'cache-control': control,
    'cdn-cache-control': control,
    vary: fc.oneof(value, fc.constantFrom('X-A', 'x-a, X-B', 'x-a,,', '*', 'cookie', 'X-A, *')),
    etag: value,
    'last-modified': value,
    expires: value,
    date: value,
    age: value,
    pragma: value,
    'content-range': value,
    'content-length': value,
    connection: value,
    'cache-tag': value,
    'cache-groups': value,
    'cache-status': value,
    'set-cookie': value,
    'content-encoding': value,
  },
  { requiredKeys: [] },
)
const requestFields = fc.record(
  {
    'x-a': value,
    'x-b': fc.constantFrom('1', '2'),
    cookie: fc.constantFrom('u=1', 'u=2'),
    authorization: fc.constantFrom('Bearer 1', 'Bearer 2'),
    'cache-control': control,
    pragma: value,
    'if-none-match': value,
    'if-modified-since': value,
    range: fc.oneof(value, fc.constantFrom('bytes=0-3', 'bytes=-5', 'bytes=900-')),
    'if-range': value,
    'accept-encoding': value,
    'cache-status': value,
  },
  { requiredKeys: [] },
)
const step = fc.record({
  path: fc.constantFrom('/a', '/b', '/a?x', '/a%20'),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST'),
  request: requestFields,
  response: responseFields,
  status: fc.constantFrom(200, 200, 200, 203, 204, 206, 301, 304, 404, 500, 503),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** `Headers` refuses some values, as a runtime would. Those never reach a cache. */
function headersOf(fields: Record<string, string | undefined>): Headers {
  const headers = new Headers()
  for (const [name, text] of Object.entries(fields)) {
    try {
      if (text !== undefined) headers.set(name, text)
    } catch {}
  }
  return headers
}

const NULL_BODY = new Set([204, 304])
let made = 0

describe('arbitrary headers of handlers and clients', () => {
  it.each([
    ['with the cautious defaults', {}],
    [
      'with every option that shares more',
      { expiration: '1h', stale: '1h', staleIfError: '1h', requestDirectives: true, heuristic: true } as const,
    ],
  ])(
    'cause no error, and no client gets the response of another client, %s',
    async (_name, options) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
          await emptied(site)
          /** The client of each body, and its headers. */
          const origins = new Map<string, { step: Step; sent: Headers; given: Headers }>()
          let current!: Step
          const { fetch } = createApp(
            site,
            () => {
              const body = `#${++made}#`
              const given = headersOf(current.response)
              origins.set(body, { step: current, sent: headersOf(current.request), given })
              return new Response(NULL_BODY.has(current.status) ? null : body, {
                status: current.status,
                headers: given,
              })
            },
            options,
          )
          for (const each of steps) {
            current = each
            const sent = headersOf(each.request)
            const response = await fetch(each.path, { method: each.method, headers: sent })
            const text = await response.text()
            const origin = origins.get(text)
            if (origin !== undefined && origin.step !== each) mayShare(origin, each, sent)
          }
        }),
        { numRuns: 250, seed: 9111 },
      )
    },
    240_000,
  )
})

function mayShare(origin: { step: Step; sent: Headers; given: Headers }, now: Step, sent: Headers): void {
  const { step: then, given } = origin
  expect([then.path, then.method]).toEqual([now.path, 'GET'])
  expect(now.method).not.toBe('POST')
  const controls = `${given.get('cdn-cache-control') ?? ''} ${given.get('cache-control') ?? ''}`
  const isRestricted = /(^|[ ,])(no-store|private)($|[ ,=])/i
  if (!given.has('cdn-cache-control')) expect(given.get('cache-control') ?? '').not.toMatch(isRestricted)
  if (origin.sent.has('authorization')) expect(controls).toMatch(/public|must-revalidate|s-maxage/i)
  expect(given.has('set-cookie') && !/set-cookie/i.test(controls)).toBe(false)
  const vary = given.get('vary') ?? ''
  expect(vary).not.toContain('*')
  for (const name of vary.split(',').map((part) => part.trim())) {
    if (/^[a-z-]+$/i.test(name)) expect(sent.get(name)).toBe(origin.sent.get(name))
  }
  expect([206, 304, 500, 503]).not.toContain(then.status)
}
