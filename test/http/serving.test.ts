import { describe, expect, it } from 'vitest'
import { createPolicy, type PolicyOptions } from '../../src/http/policy.ts'
import { hasFailed, isShareable, mayServeOnError, mustNotForward, reuse } from '../../src/http/serving.ts'
import { get, NOW, response, SECOND } from './messages.ts'

const HONOUR = { requestDirectives: true }

function use(value: string, ageSeconds: number, options: PolicyOptions = {}, asked?: string) {
  const request = get(asked === undefined ? {} : { 'cache-control': asked })
  const stored = response({ 'cache-control': value })
  const { use, fwd } = reuse(request, stored, NOW + ageSeconds * SECOND, createPolicy(options))
  return fwd ? `${use} (${fwd})` : use
}

function onError(value: string, ageSeconds: number, options: PolicyOptions = {}, asked?: string) {
  const request = get(asked === undefined ? {} : { 'cache-control': asked })
  const stored = response({ 'cache-control': value })
  return mayServeOnError(request, stored, NOW + ageSeconds * SECOND, createPolicy(options))
}

describe('a stored response', () => {
  it('is served while it is fresh, and validated from the instant when it becomes stale (RFC 9111 4.2)', () => {
    expect(use('max-age=5', 4.999)).toBe('fresh')
    expect(use('max-age=5', 5)).toBe('validate (stale)')
  })

  it('with must-revalidate is served while it is fresh', () => {
    expect(use('max-age=5, must-revalidate', 4)).toBe('fresh')
  })

  it('with no-cache is validated each time, fresh or not (RFC 9111 5.2.2.4)', () => {
    expect(use('max-age=60, no-cache', 0)).toBe('validate (stale)')
    expect(use('max-age=60, no-cache, stale-while-revalidate=60', 70)).toBe('validate (stale)')
    expect(use('max-age=60, no-cache="x-a"', 0)).toBe('fresh')
  })

  it('stored for a targeted field is not shared under a policy that does not read that field', () => {
    for (const value of ['private', 'no-store']) {
      const stored = response({ 'cdn-cache-control': 'max-age=60', 'cache-control': `${value}, max-age=60` })
      const [reads, ignores] = [createPolicy(), createPolicy({ targetedFields: [] })]
      expect(reuse(get(), stored, NOW, reads).use).toBe('fresh')
      expect(reuse(get(), stored, NOW, ignores).use).toBe('validate')
      expect(mayServeOnError(get(), stored, NOW, ignores)).toBe(false)
    }
  })

  it('returns its remaining freshness', () => {
    const { ttlMs } = reuse(get(), response({ 'cache-control': 'max-age=5' }), NOW + 8 * SECOND, createPolicy())
    expect(ttlMs).toBe(-3 * SECOND)
  })
})

describe('stale-while-revalidate (RFC 5861 3)', () => {
  it('serves a stale response within its window', () => {
    expect(use('max-age=5, stale-while-revalidate=10', 14.9)).toBe('stale-while-revalidate (stale)')
    expect(use('max-age=5, stale-while-revalidate=10', 15)).toBe('validate (stale)')
  })

  it('has a default for responses that state no window', () => {
    expect(use('max-age=5', 6, { staleWhileRevalidate: 10 })).toBe('stale-while-revalidate (stale)')
    expect(use('max-age=5, stale-while-revalidate=0', 6, { staleWhileRevalidate: 10 })).toBe('validate (stale)')
  })

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'Must-Revalidate', 'proxy-revalidate=x'])(
    'is prohibited by %s (RFC 9111 4.2.4)',
    (value) => {
      expect(use(`max-age=5, ${value}, stale-while-revalidate=10`, 6)).toBe('validate (stale)')
      expect(use(`max-age=5, ${value}`, 6, { staleWhileRevalidate: 10 })).toBe('validate (stale)')
    },
  )

  it('begins when a soft purge ends the freshness', () => {
    const stored = response({ 'cache-control': 'max-age=60, stale-while-revalidate=5' }, { staleSince: NOW })
    expect(reuse(get(), stored, NOW + SECOND, createPolicy()).use).toBe('stale-while-revalidate')
    expect(reuse(get(), stored, NOW + 6 * SECOND, createPolicy()).use).toBe('validate')
  })
})

describe('stale-if-error (RFC 5861 4)', () => {
  it('serves a stale response in place of an error within its window', () => {
    expect(onError('max-age=5, stale-if-error=10', 14.9)).toBe(true)
    expect(onError('max-age=5, stale-if-error=10', 15)).toBe(false)
    expect(onError('max-age=5', 5)).toBe(false)
  })

  it('has a default for responses that state no window', () => {
    expect(onError('max-age=5', 6, { staleIfError: 10 })).toBe(true)
    expect(onError('max-age=5, stale-if-error=x', 6, { staleIfError: 10 })).toBe(false)
  })

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache'])('is prohibited by %s', (value) => {
    expect(onError(`max-age=5, ${value}, stale-if-error=10`, 6)).toBe(false)
    expect(onError(`max-age=5, ${value}`, 6, { staleIfError: 10, ...HONOUR }, 'stale-if-error=10')).toBe(false)
  })

  it('can be requested by the client', () => {
    expect(onError('max-age=5', 6, HONOUR, 'stale-if-error=10')).toBe(true)
    expect(onError('max-age=5', 6, {}, 'stale-if-error=10')).toBe(false)
  })

  it('needs no window while the response is fresh, but never overrides no-cache', () => {
    expect(onError('max-age=5', 1, HONOUR, 'max-age=0')).toBe(true)
    expect(onError('max-age=5, no-cache', 1)).toBe(false)
    expect(onError('max-age=5', 1, HONOUR, 'no-cache')).toBe(false)
  })
})

describe('the directives of a request (RFC 9111 5.2.1)', () => {
  it('are ignored by default, so that no client can force work on the handler', () => {
    for (const asked of ['no-cache', 'max-age=0', 'min-fresh=100', 'no-store']) {
      expect(use('max-age=60', 1, {}, asked), asked).toBe('fresh')
    }
    expect(use('max-age=5', 6, {}, 'max-stale')).toBe('validate (stale)')
    expect(use('max-age=5', 6, {}, 'only-if-cached')).toBe('validate (stale)')
  })

  it.each([
    ['no-cache', 1, 'validate (request)'],
    ['max-age=0', 1, 'validate (request)'],
    ['max-age=1', 1, 'fresh'],
    ['max-age=1', 1.001, 'validate (request)'],
    ['max-age=x', 1, 'validate (request)'],
    ['min-fresh=59', 1, 'fresh'],
    ['min-fresh=60', 1, 'validate (request)'],
    ['min-fresh=0, max-stale', 61, 'validate (request)'],
    ['no-store', 1, 'fresh'],
    ['max-stale', 1_000_000, 'stale'],
    ['max-stale=10', 70, 'stale'],
    ['max-stale=10', 70.001, 'validate (stale)'],
    ['max-stale=x', 61, 'validate (stale)'],
    ['max-age=65, max-stale=10', 63, 'stale'],
    ['max-age=61, max-stale=10', 63, 'validate (request)'],
    ['only-if-cached', 1, 'fresh'],
    ['only-if-cached', 61, 'gateway-timeout (stale)'],
    ['only-if-cached, no-cache', 1, 'gateway-timeout (request)'],
  ])('%s at an age of %d s of 60: %s', (asked, age, expected) => {
    expect(use('max-age=60', age, HONOUR, asked)).toBe(expected)
  })

  it('refuse stale responses if they state an age, even with a background revalidation', () => {
    const value = 'max-age=5, stale-while-revalidate=100'
    expect(use(value, 6, HONOUR, 'max-age=50')).toBe('validate (stale)')
    expect(use(value, 6, HONOUR, 'min-fresh=0')).toBe('validate (request)')
    expect(use(value, 6, HONOUR)).toBe('stale-while-revalidate (stale)')
  })

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache'])('cannot override %s', (value) => {
    expect(use(`max-age=5, ${value}`, 6, HONOUR, 'max-stale')).toBe('validate (stale)')
  })

  it('decide about a request without a stored response', () => {
    const request = get({ 'cache-control': 'only-if-cached' })
    expect(mustNotForward(request, createPolicy(HONOUR))).toBe(true)
    expect(mustNotForward(request, createPolicy())).toBe(false)
    expect(mustNotForward(get(), createPolicy(HONOUR))).toBe(false)
  })

  it('may come as a Pragma (RFC 9111 5.4)', () => {
    const stored = response({ 'cache-control': 'max-age=60' })
    expect(reuse(get({ pragma: 'no-cache' }), stored, NOW, createPolicy(HONOUR)).use).toBe('validate')
  })
})

describe('immutable (RFC 8246)', () => {
  it('protects a fresh response from reloads, but not from no-cache', () => {
    expect(use('max-age=60, immutable', 1, HONOUR, 'max-age=0')).toBe('fresh')
    expect(use('max-age=60, immutable', 1, HONOUR, 'no-cache')).toBe('validate (request)')
  })

  it('has no effect once the response is stale', () => {
    expect(use('max-age=5, immutable', 6, HONOUR, 'max-age=0')).toBe('validate (request)')
    expect(use('max-age=5, immutable', 6)).toBe('validate (stale)')
  })
})

describe('a response on arrival', () => {
  it.each([
    ['max-age=60', true],
    ['max-age=0, stale-while-revalidate=60', true],
    ['no-cache, max-age=60', false],
    ['max-age=0', false],
    ['', false],
  ])('is shareable with %j: %s', (value, isSo) => {
    const stored = { ...response({ 'cache-control': value }), staleSince: 1 }
    expect(isShareable(stored, createPolicy({}))).toBe(isSo)
  })
})

describe('the handler counts as failed', () => {
  const httpException = { getResponse: () => new Response(null, { status: 404 }) }

  it.each([0, 500, 502, 503, 504])('if it answered %i', (status) => {
    expect(hasFailed(status, undefined)).toBe(true)
  })

  it.each([200, 304, 404, 501, 505])('but not if it answered %i', (status) => {
    expect(hasFailed(status, undefined)).toBe(false)
  })

  it.each([new Error('x'), 'x', 1, null, {}])(
    'if it threw, whatever response the application creates for the error',
    (error) => {
      expect(hasFailed(200, error)).toBe(true)
      expect(hasFailed(503, error)).toBe(true)
    },
  )

  it('but not if it threw an error that carries a response below 500', () => {
    expect(hasFailed(404, httpException)).toBe(false)
    expect(hasFailed(500, httpException)).toBe(true)
    expect(hasFailed(505, httpException)).toBe(true)
  })
})
