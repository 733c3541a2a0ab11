import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEntityTag, parseEntityTags, strongMatch, weakMatch } from '../../src/http/validators.ts'

describe('an entity tag (RFC 9110 8.8.3)', () => {
  it.each([
    ['"a"', false, 'a'],
    ['W/"a"', true, 'a'],
    ['""', false, ''],
    [' "a,b" ', false, 'a,b'],
    ['"a\\"', false, 'a\\'],
    ['"é"', false, 'é'],
  ])('is parsed from %j', (text, weak, opaque) => {
    expect(parseEntityTag(text)).toEqual({ weak, opaque })
  })

  it.each([null, '', 'a', 'w/"a"', 'W/a', '"a', 'a"', '"a" "b"', '"a b"', '"a"b"', "'a'", '*'])(
    'is not parsed from %j',
    (text) => {
      expect(parseEntityTag(text)).toBeUndefined()
    },
  )

  it.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ])('%s and %s match strongly: %s, weakly: %s (RFC 9110 8.8.3.2)', (a, b, strong, weak) => {
    const [left, right] = [parseEntityTag(a), parseEntityTag(b)]
    expect([strongMatch(left, right), weakMatch(left, right)]).toEqual([strong, weak])
  })

  it('matches nothing if it is absent, not even another absent tag', () => {
    expect(strongMatch(undefined, undefined)).toBe(false)
    expect(weakMatch(undefined, undefined)).toBe(false)
  })
})

describe('a list of entity tags', () => {
  it('allows commas and backslashes within tags, and empty members', () => {
    expect(parseEntityTags(' ,"a,b" , W/"c\\",, "d"')?.map(({ opaque }) => opaque)).toEqual(['a,b', 'c\\', 'd'])
  })

  it.each(['"a" "b"', 'a, "b"', '"a', '"a", *', 'W/, "a"'])('is refused as a whole: %j', (value) => {
    expect(parseEntityTags(value)).toBeUndefined()
  })

  it('survives formatting and parsing', () => {
    const tags = fc.array(fc.record({ weak: fc.boolean(), opaque: fc.stringMatching(/^[!#-~]{0,9}$/) }))
    fc.assert(
      fc.property(tags, (list) => {
        expect(parseEntityTags(list.map((tag) => `${tag.weak ? 'W/' : ''}"${tag.opaque}"`).join(', '))).toEqual(list)
      }),
    )
  })

  it('takes linear time and never throws', () => {
    const start = performance.now()
    for (const text of ['"', ' ', ',', 'W/', '" ', '\t,']) parseEntityTags(`${text.repeat(100_000)}x`)
    expect(performance.now() - start).toBeLessThan(10_000)
    fc.assert(fc.property(fc.string(), (text) => void parseEntityTags(text)))
  })
})
