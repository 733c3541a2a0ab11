import { describe, expect, it } from 'vitest'
import { answer } from '../../src/http/answer.ts'
import { createPolicy, type PolicyOptions } from '../../src/http/policy.ts'
import { mayStorePost } from '../../src/http/post.ts'
import { reuse } from '../../src/http/serving.ts'
import { fieldsToStore } from '../../src/http/stored-fields.ts'
import { date, get, HOUR, MINUTE, NOW, response } from './messages.ts'

const URL_ = new URL('https://example.com/items?q=1#part')
const policy = createPolicy()
const FIELDS = { 'cache-control': 'max-age=60', 'content-location': '/items?q=1' }

const post = (fields: Record<string, string> = {}, method = 'POST') => ({
  ...get({ 'content-length': '5', ...fields }),
  method,
})

function refusal(
  fields: Record<string, string>,
  { request = post(), status = 200, options = {} as PolicyOptions, url = URL_ } = {},
) {
  const decision = mayStorePost(request, url, response(fields, { status }), createPolicy(options))
  return decision.store ? undefined : decision.reason
}

describe('stores the answer to a POST (RFC 9110 9.3.3)', () => {
  it.each([
    '/items?q=1',
    '?q=1',
    'https://example.com/items?q=1',
    'https://EXAMPLE.com:443/items?q=1',
    '/a/../items?q=1#x',
  ])('with explicit freshness and Content-Location: %s', (location) => {
    expect(refusal({ ...FIELDS, 'content-location': location })).toBeUndefined()
  })

  it.each(['max-age=60', 's-maxage=60'])('with a lifetime from %s', (value) => {
    expect(refusal({ ...FIELDS, 'cache-control': value })).toBeUndefined()
  })

  it('with a lifetime from Expires or a targeted field', () => {
    const { 'content-location': location } = FIELDS
    expect(refusal({ 'content-location': location, expires: date(HOUR) })).toBeUndefined()
    expect(refusal({ 'content-location': location, 'cdn-cache-control': 'max-age=60' })).toBeUndefined()
  })

  it('for a later GET or HEAD, but not for another POST', () => {
    const stored = response(FIELDS)
    const kept = { ...stored, headers: fieldsToStore(stored, policy) }
    expect(reuse(get(), kept, NOW + MINUTE / 2, policy).use).toBe('fresh')
    expect(answer({ ...get(), method: 'HEAD' }, kept, { now: NOW, bodyBytes: 3 }).headers.get('content-length')).toBe(
      '3',
    )
  })
})

describe('does not store the answer to a POST', () => {
  it.each([
    ['content-location', { 'cache-control': 'max-age=60' }],
    ['content-location', { ...FIELDS, 'content-location': '/items' }],
    ['content-location', { ...FIELDS, 'content-location': '/items?q=2' }],
    ['content-location', { ...FIELDS, 'content-location': 'http://example.com/items?q=1' }],
    ['content-location', { ...FIELDS, 'content-location': 'https://other.example/items?q=1' }],
    ['content-location', { ...FIELDS, 'content-location': 'https://[' }],
    ['content-location', { ...FIELDS, 'content-location': '' }],
    ['freshness', { 'content-location': '/items?q=1' }],
    ['freshness', { ...FIELDS, 'cache-control': 'public' }],
    ['freshness', { ...FIELDS, 'cache-control': 'public', 'last-modified': date(-HOUR) }],
    ['partial', { ...FIELDS, 'content-range': 'bytes 0-1/2' }],
    ['no-store', { ...FIELDS, 'cache-control': 'no-store, max-age=60' }],
    ['private', { ...FIELDS, 'cache-control': 'private, max-age=60' }],
    ['set-cookie', { ...FIELDS, 'set-cookie': 'a=b' }],
    ['vary', { ...FIELDS, vary: '*' }],
    ['not-reusable', { ...FIELDS, 'cache-control': 'max-age=0' }],
  ] as [string, Record<string, string>][])('because of %s: %j', (reason, fields) => {
    expect(refusal(fields)).toBe(reason)
  })

  it('with a lifetime that only the policy gives', () => {
    const options = { defaultLifetime: 60, heuristic: true }
    expect(refusal({ 'content-location': '/items?q=1', 'last-modified': date(-HOUR) }, { options })).toBe('freshness')
  })

  it.each(['PUT', 'PATCH', 'DELETE', 'post', 'GET'])('if the method is %s', (method) => {
    expect(refusal(FIELDS, { request: post({}, method) })).toBe('method')
  })

  it.each([201, 202, 203, 204, 206, 303, 304, 404])('with status %i', (status) => {
    expect(refusal(FIELDS, { status })).toBe('status')
  })

  it('if the policy excludes 200', () => {
    expect(refusal(FIELDS, { options: { statuses: [404] } })).toBe('status')
  })

  it('if the request has no-store, as for a GET', () => {
    expect(refusal(FIELDS, { request: post({ 'cache-control': 'no-store' }) })).toBe('request-no-store')
    expect(refusal(FIELDS, { request: post({ authorization: 'x' }) })).toBe('authorization')
    const shared = { ...FIELDS, 'cache-control': 'public, max-age=60' }
    expect(refusal(shared, { request: post({ authorization: 'x' }) })).toBeUndefined()
    expect(refusal(shared, { request: post({ authorization: 'x' }), options: { authenticated: 'never' } })).toBe(
      'authorization',
    )
  })
})
