import { describe, expect, it } from 'vitest'
import { createPolicy, type PolicyOptions } from '../../src/http/policy.ts'
import { isServerError } from '../../src/http/statuses.ts'
import { InvalidOptionError } from '../../src/values/errors.ts'

describe('the policy', () => {
  it('has cautious defaults', () => {
    expect(createPolicy()).toEqual({
      targetedFields: ['cdn-cache-control'],
      defaultLifetime: undefined,
      heuristic: undefined,
      staleWhileRevalidate: 0,
      staleIfError: 0,
      allowStaleWithSMaxAge: false,
      storeSetCookie: false,
      requestDirectives: false,
      statuses: undefined,
      authenticated: 'rfc',
      vary: [],
    })
  })

  it('has field names in lower case', () => {
    expect(createPolicy({ targetedFields: ['CDN-Cache-Control'], vary: ['X-A'] })).toMatchObject({
      targetedFields: ['cdn-cache-control'],
      vary: ['x-a'],
    })
  })

  it.each([
    { defaultLifetime: -1 },
    { staleIfError: Number.NaN },
    { staleWhileRevalidate: Number.POSITIVE_INFINITY },
    { heuristic: { fraction: -0.1 } },
    { targetedFields: ['a b'] },
    { vary: [''] },
    { vary: ['*, a'] },
    { storeSetCookie: 'yes' },
    { authenticated: 'always' },
    { heuristics: true },
    { heuristic: { fractions: 1 } },
    [],
  ])('refuses %j', (options) => {
    expect(() => createPolicy(options as PolicyOptions)).toThrow(InvalidOptionError)
  })
})

it('stale-if-error covers the errors 500, 502, 503 and 504 (RFC 5861 4)', () => {
  expect([499, 500, 501, 502, 503, 504, 505].filter(isServerError)).toEqual([500, 502, 503, 504])
})
