import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deltaSeconds, fieldNames, listMembers, MAX_DELTA_SECONDS } from '../../src/http/fields.ts'

describe('a list of field values (RFC 9110 5.6.1)', () => {
  it.each([
    ['a, b ,\tc', ['a', 'b', 'c']],
    [' , a,,b, ', ['a', 'b']],
    ['a="b, c", d', ['a="b, c"', 'd']],
    ['a="\\", b", c', ['a="\\", b"', 'c']],
    ['', []],
    [null, []],
  ])('with text %j has the members %j', (value, members) => {
    expect(listMembers(value)).toEqual(members)
  })

  it('splits after a quote that is never closed', () => {
    expect(listMembers('a="b, no-store, c=d')).toEqual(['a="b', 'no-store', 'c=d'])
    expect(listMembers('a="b\\", no-store')).toEqual(['a="b\\"', 'no-store'])
  })

  it('takes linear time, however its quotes are escaped', () => {
    const start = performance.now()
    listMembers('"\\'.repeat(200_000))
    expect(performance.now() - start).toBeLessThan(10_000)
  })

  it('is split at every comma outside of quotes', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z=;]{1,5}$/)), (members) => {
        expect(listMembers(members.join(' , '))).toEqual(members)
      }),
    )
  })
})

describe('a list of field names', () => {
  it('is lower-cased, and has each name once', () => {
    expect(fieldNames('Accept, ACCEPT, x-A')).toEqual(['accept', 'x-a'])
  })

  it('is refused as a whole if one name is not a token', () => {
    expect(fieldNames('accept, x y')).toBeUndefined()
  })
})

describe('delta-seconds (RFC 9111 1.2.2)', () => {
  it.each([
    ['0', 0],
    ['003600', 3600],
    ['2147483648', MAX_DELTA_SECONDS],
    ['99999999999', MAX_DELTA_SECONDS],
    ['9'.repeat(400), MAX_DELTA_SECONDS],
  ])('%s is a number, capped at 2^31', (text, seconds) => {
    expect(deltaSeconds(text)).toBe(seconds)
  })

  it.each(['', '-1', '+1', '1.0', '1e3', '0x10', ' 1', 'a1', '1a', "'1'", '١'])('%j is no number', (text) => {
    expect(deltaSeconds(text)).toBeUndefined()
  })
})
