import { describe, expect, it } from 'vitest'
import { answer } from '../../src/http/answer.ts'
import { forwardedFields } from '../../src/http/forwarding.ts'
import { judge304 } from '../../src/http/judge-304.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { DAY, date, get, HOUR, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy()
const LATER = { requestAt: NOW + HOUR, responseAt: NOW + HOUR + SECOND, status: 304 }
const FRESH = { 'cache-control': 'max-age=60' }
const STORED = response({ ...FRESH, date: date(0), etag: '"v1"', vary: 'accept' })
const WEAK = response({ ...FRESH, date: date(0), etag: 'W/"v1"', vary: 'accept-encoding' })
const NAMES = ['accept', 'accept-encoding']

const judge = (fields: Record<string, string>, stored = STORED, request = get(), names: readonly string[] = NAMES) =>
  judge304(request, stored, response(fields, LATER), policy, names)

describe('a 304 that matches the stored response (RFC 9111 4.3.4)', () => {
  it('updates the stored response', () => {
    const judged = judge({ etag: '"v1"', 'x-own': 'new' })
    expect(judged).toMatchObject({ kind: 'update', response: { status: 200, responseAt: LATER.responseAt } })
    if (judged.kind === 'update') expect(judged.response.headers.get('x-own')).toBe('new')
  })

  it('gives the fields of one client to that client alone', () => {
    const judged = judge({ etag: '"v1"', 'set-cookie': 'a=b' })
    expect(judged).toMatchObject({ kind: 'update', unshared: [['set-cookie', 'a=b']] })
    if (judged.kind === 'update') expect(judged.response.headers.has('set-cookie')).toBe(false)
  })

  it('leaves the stored response unchanged if only this request forbids storing', () => {
    expect(judge({ etag: '"v1"' }, STORED, get({ authorization: 'x' }))).toMatchObject({ kind: 'leave' })
    expect(judge({ etag: '"v1"' }, STORED, get({ 'cache-control': 'no-store' }))).toMatchObject({ kind: 'leave' })
  })

  it.each(['no-store', 'private'])('deletes the stored response if the update added %s', (value) => {
    const judged = judge({ etag: '"v1"', 'cache-control': value })
    expect(judged).toMatchObject({ kind: 'delete', response: { status: 200 } })
  })

  it('deletes the stored response if it now varies on a field that its key does not cover (RFC 9111 4.1)', () => {
    expect(judge({ etag: '"v1"', vary: 'accept, cookie' })).toMatchObject({ kind: 'delete' })
    expect(judge({ etag: '"v1"', vary: '*' })).toMatchObject({ kind: 'delete' })
    expect(judge({ etag: '"v1"', vary: 'accept-encoding' })).toMatchObject({ kind: 'update' })
    expect(judge({ etag: '"v1"' }, STORED, get(), [])).toMatchObject({ kind: 'delete' })
  })

  it('deletes the stored response for that Vary even if the request forbids storing', () => {
    const judged = judge({ etag: '"v1"', vary: 'cookie' }, STORED, get({ authorization: 'x' }))
    expect(judged).toMatchObject({ kind: 'delete' })
  })
})

describe('a 304 with a strong entity tag, for a stored response with a weak one', () => {
  // `compress()` weakens the tag of a 200 that `etag()` created, but a 304 has no body to compress.
  const judged = () => judge({ etag: '"v1"', 'x-own': 'new', 'cache-control': 'max-age=9' }, WEAK)

  it('matches the condition that the cache sent (RFC 9110 13.1.2)', () => {
    expect(forwardedFields(new Headers(), WEAK).get('if-none-match')).toBe('W/"v1"')
    expect(judged().kind).toBe('equivalent')
  })

  it('leaves the stored response unchanged, and the response answers (RFC 9111 4.3.4)', () => {
    const found = judged()
    if (found.kind !== 'equivalent') throw new Error('It is not equivalent.')
    expect(found.response).toBe(WEAK)
    const { status, headers } = answer(get(), found.response, { now: NOW + HOUR, bodyBytes: 1, validated: true })
    expect([status, headers.get('cache-control'), headers.has('x-own')]).toEqual([200, 'max-age=60', false])
  })

  it('has the same effect with no-store, because nothing of it is stored', () => {
    expect(judge({ etag: '"v1"', 'cache-control': 'no-store' }, WEAK).kind).toBe('equivalent')
  })
})

describe('a 304 about another representation', () => {
  it.each([
    ['a different strong entity tag', { etag: '"v2"' }, STORED],
    ['a different entity tag, for a weak one', { etag: '"v2"' }, WEAK],
    ['a different weak entity tag', { etag: 'W/"v2"' }, STORED],
    ['a malformed entity tag', { etag: 'v1' }, STORED],
    [
      'a different Last-Modified',
      { 'last-modified': date(-HOUR) },
      response({ ...FRESH, 'last-modified': date(-DAY) }),
    ],
  ])('with %s leaves the stored response unchanged', (_, fields, stored) => {
    expect(judge(fields, stored)).toEqual({ kind: 'other', isForClient: false })
  })

  it('goes to the client if that has the other representation', () => {
    const isForClient = (fields: Record<string, string>, asked: Record<string, string>) =>
      judge(fields, STORED, get(asked))
    const other = (expected: boolean) => ({ kind: 'other', isForClient: expected })
    expect(isForClient({ etag: '"v2"' }, { 'if-none-match': '"v2"' })).toEqual(other(true))
    expect(isForClient({ etag: '"v2"' }, { 'if-none-match': '"v1"' })).toEqual(other(false))
    const later = { 'if-modified-since': date(0) }
    expect(isForClient({ 'last-modified': date(-HOUR) }, later)).toEqual(other(true))
    expect(isForClient({ etag: '"v2"' }, {})).toEqual(other(false))
  })
})
