import { describe, expect, it } from 'vitest'
import { cachingDirectives } from '../../src/http/cache-control.ts'
import { freshness } from '../../src/http/freshness.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { fieldsToStore } from '../../src/http/stored-fields.ts'
import { mayStore } from '../../src/http/storing.ts'
import { date, get, HOUR, response, SECOND } from './messages.ts'

const TARGETS = ['pgstash-cache-control', 'cdn-cache-control']
const policy = createPolicy({ targetedFields: TARGETS })
const read = (fields: Record<string, string>) => cachingDirectives(new Headers(fields), TARGETS)

describe('a targeted field (RFC 9213)', () => {
  it('replaces Cache-Control', () => {
    expect(read({ 'cdn-cache-control': 'max-age=60', 'cache-control': 'no-store, max-age=5' })).toMatchObject({
      targeted: true,
      maxAge: 60,
      noStore: false,
    })
    expect(read({ 'cdn-cache-control': 'no-store', 'cache-control': 'max-age=60' }).noStore).toBe(true)
  })

  it('replaces Expires, even if it states no lifetime', () => {
    const expires = { expires: date(HOUR) }
    const found = freshness(response({ ...expires, 'cdn-cache-control': 'max-age=0' }), policy)
    expect(found).toEqual({ lifetimeMs: 0, source: 'max-age' })
    expect(freshness(response({ ...expires, 'cdn-cache-control': 'none' }), policy).source).toBe('none')
    expect(freshness(response({ ...expires, 'cdn-cache-control': 'max-age=9' }), policy).lifetimeMs).toBe(9 * SECOND)
  })

  it('is the first of the configured list that is present and valid', () => {
    const second = { 'cdn-cache-control': 'max-age=2', 'cache-control': 'max-age=3' }
    expect(read({ ...second, 'pgstash-cache-control': 'max-age=1' }).maxAge).toBe(1)
    expect(read({ ...second, 'pgstash-cache-control': '' }).maxAge).toBe(2)
    expect(read({ ...second, 'pgstash-cache-control': 'max-age=1, &&' }).maxAge).toBe(2)
  })

  it.each(['', 'max-age=10000, &&&&&', 'MaX-aGe=3600', 'max-age =100', 'max-age= 100', 'max-age=60;'])(
    'is ignored if it is not a dictionary: %j',
    (value) => {
      expect(read({ 'cdn-cache-control': value, 'cache-control': 'private' })).toMatchObject({
        targeted: false,
        private: true,
      })
    },
  )

  it('has no effect if it is not on the list', () => {
    expect(cachingDirectives(new Headers({ 'cdn-cache-control': 'no-store' }), []).noStore).toBe(false)
  })

  it.each([
    'max-age="10000"',
    'max-age=1.5',
    'max-age',
    'max-age=foo',
    'must-understand, max-age="9"',
    's-maxage=(1 2)',
    'stale-if-error=:AQ==:',
  ])('with a span of the wrong type forbids storing: %s', (value) => {
    const given = response({ 'cdn-cache-control': value, 'cache-control': 'max-age=60' })
    expect(mayStore(get(), given, policy)).toEqual({ store: false, reason: 'no-store' })
  })

  it('restricts by booleans, strings and tokens, but not by false', () => {
    expect(read({ 'cdn-cache-control': 'private' }).private).toBe(true)
    expect(read({ 'cdn-cache-control': 'private="x-a, x-b"' }).private).toEqual(['x-a', 'x-b'])
    expect(read({ 'cdn-cache-control': 'no-cache=x-a' }).noCache).toEqual(['x-a'])
    expect(read({ 'cdn-cache-control': 'private=1' }).private).toBe(true)
    expect(read({ 'cdn-cache-control': 'private=?0' }).private).toBe(false)
  })

  it('ignores parameters, and takes the last of two equal keys, as dictionaries do', () => {
    expect(read({ 'cdn-cache-control': 'max-age=60;x=y' }).maxAge).toBe(60)
    expect(read({ 'cdn-cache-control': 'max-age=60, max-age=1' }).maxAge).toBe(1)
  })

  it('cannot be removed from the stored fields by itself or by Connection', () => {
    expect(read({ 'cdn-cache-control': 'max-age=9, no-cache="cdn-cache-control"' }).noCache).toBe(true)
    const given = response({ 'cdn-cache-control': 'max-age=9', connection: 'cdn-cache-control' })
    expect(fieldsToStore(given, policy).get('cdn-cache-control')).toBe('max-age=9')
  })
})
