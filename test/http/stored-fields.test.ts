import { describe, expect, it } from 'vitest'
import { createPolicy } from '../../src/http/policy.ts'
import { fieldsToStore } from '../../src/http/stored-fields.ts'
import { mayStore } from '../../src/http/storing.ts'
import { date, get, HOUR, NOW, response } from './messages.ts'

const policy = createPolicy()
const stored = (fields: Parameters<typeof response>[0], own = policy) => fieldsToStore(response(fields), own)

describe('storing the fields of a response (RFC 9111 3.1)', () => {
  it('keeps all fields, including unknown ones', () => {
    const fields = { 'x-unknown': '1', 'content-foo': '2', etag: '"a"', warning: '110 - "x"', date: date(0) }
    expect(Object.fromEntries(stored(fields))).toEqual(fields)
  })

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ])('omits %s', (name) => {
    expect(stored({ [name]: 'x' }).has(name)).toBe(false)
  })

  it('omits the fields that Connection names', () => {
    expect([...stored({ connection: 'A, close, b', a: '1', b: '2', c: '3', date: date(0) }).keys()]).toEqual([
      'c',
      'date',
    ])
  })

  it('omits the fields that no-cache and private name (RFC 9111 5.2.2.4 and 5.2.2.7)', () => {
    const fields = { 'cache-control': 'no-cache="A, b", private=C', a: '1', b: '2', c: '3', d: '4' }
    expect([...stored(fields).keys()]).toEqual(['cache-control', 'd', 'date'])
  })

  it('keeps the fields that caching decisions need, even if Connection names them', () => {
    const fields = { 'cache-control': 'no-cache', vary: 'cookie', date: date(0), age: '9', expires: '0', etag: '"a"' }
    expect(Object.fromEntries(stored({ ...fields, connection: Object.keys(fields).join() }))).toEqual(fields)
  })

  it('keeps cookies only if the policy stores them, and then line by line', () => {
    const lines: [string, string][] = [
      ['set-cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT'],
      ['set-cookie', 'b=2'],
    ]
    expect(stored(lines).has('set-cookie')).toBe(false)
    const kept = stored(lines, createPolicy({ storeSetCookie: true }))
    expect(kept.getSetCookie()).toEqual(lines.map(([, value]) => value))
    expect(new Headers([...kept]).getSetCookie()).toEqual(kept.getSetCookie())
  })

  it('adds Date if it is missing or malformed (RFC 9110 6.6.1)', () => {
    expect(stored({}).get('date')).toBe(date(0))
    expect(stored({ date: 'today' }).get('date')).toBe(date(0))
    expect(stored({ date: date(-HOUR) }).get('date')).toBe(date(-HOUR))
  })

  it('leaves the response itself unchanged', () => {
    const given = response({ connection: 'a', a: '1' })
    fieldsToStore(given, policy)
    expect([...given.headers.keys()]).toEqual(['a', 'connection'])
  })
})

it('a restriction of a field that caching decisions need applies to the whole response', () => {
  const given = response({ 'cache-control': 'max-age=60, private="vary"', vary: 'cookie' }, { responseAt: NOW })
  expect(mayStore(get(), given, policy)).toEqual({ store: false, reason: 'private' })
})
