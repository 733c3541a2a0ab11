import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonCopies } from '../../src/values/json-copies.ts'
import { damage, expectApart, expectSame, jsonValues } from '../stores/json-values.ts'

const copiesOf = (text: string) => JsonCopies.of(text, JSON.parse(text))
const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`

function expectExact(text: string): void {
  const copies = copiesOf(text)
  const made = [1, 2, 3].map(() => copies?.make())
  for (const value of made) expectSame(value, JSON.parse(text))
  expectApart(made[0], made[1])
  expectApart(made[1], made[2])
  made.forEach(damage)
  expectSame(copies?.make(), JSON.parse(text))
}

describe('copies of decoded JSON', () => {
  it('equal the results of JSON.parse and share nothing, for any value', () => {
    fc.assert(
      fc.property(jsonValues, (value) => expectExact(JSON.stringify(value))),
      { numRuns: 500 },
    )
  })

  it.each([
    ['a negative zero', '{"a":-0,"b":[-0]}'],
    ['a field that occurs twice', '{"a":{"b":1},"a":[2]}'],
    ['keys that look like indexes', '{"b":{"2":1,"1":{}},"10":[],"9":{},"a":0}'],
    ['__proto__ as an object', '{"__proto__":{"a":{"b":1}},"c":[{"__proto__":[]}]}'],
    ['__proto__ as null', '{"__proto__":null,"a":{"__proto__":null}}'],
    ['spaces', ' { "a" : [ 1 , { } ] } '],
    ['a string with spaces around it', ' "text of more than thirteen characters" '],
    ['a string with escapes', '"\\u0061\\n\\ud800 and more than that"'],
    ['mixed items', '[1,"a",{"b":[[]]},null,[{}],2.5]'],
    ['many fields', JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`f${i}`, [i]])))],
    ['a long array', JSON.stringify(Array.from({ length: 20_000 }, (_, i) => (i % 7 === 0 ? { i } : i)))],
  ])('are exact for %s', (_, text) => {
    expectExact(text)
  })

  it('never call setters that a program defined on Object.prototype', () => {
    const copies = copiesOf('{"trap":{"a":1},"b":{"trap":2}}')
    const seen: unknown[] = []
    Object.defineProperty(Object.prototype, 'trap', { configurable: true, set: (value) => seen.push(value) })
    Object.defineProperty(Object.prototype, 'inherited', { configurable: true, enumerable: true, writable: true })
    let made: unknown
    try {
      made = copies?.make()
    } finally {
      Reflect.deleteProperty(Object.prototype, 'trap')
      Reflect.deleteProperty(Object.prototype, 'inherited')
    }
    expectSame(made, { trap: { a: 1 }, b: { trap: 2 } })
    expect(seen).toEqual([])
  })

  it('are refused for values nested so deeply that a copy could overflow the stack', () => {
    expect(copiesOf(nested(64))?.make()).toEqual(JSON.parse(nested(64)))
    for (const depth of [66, 1_000, 200_000]) expect(copiesOf(nested(depth))).toBeUndefined()
  })

  it('are refused for texts longer than a million characters, unless a slice of the text is enough', () => {
    expect(copiesOf(JSON.stringify(['x'.repeat(2 ** 20 - 10)]))?.make()).toEqual(['x'.repeat(2 ** 20 - 10)])
    expect(copiesOf(JSON.stringify(['x'.repeat(2 ** 20)]))).toBeUndefined()
    expect(copiesOf(JSON.stringify('x'.repeat(2 ** 20)))?.make()).toBe('x'.repeat(2 ** 20))
  })

  it('count at least the bytes of their strings, fields and containers', () => {
    const bytes = (value: unknown) => copiesOf(JSON.stringify(value))?.bytes ?? 0
    expect(bytes({ text: 'é'.repeat(1_000) })).toBeGreaterThan(2_000)
    expect(bytes(Array.from({ length: 1_000 }, () => 1))).toBeGreaterThan(8_000)
    expect(bytes(Array.from({ length: 1_000 }, () => ({})))).toBeGreaterThan(100_000)
    expect(bytes('\n'.repeat(1_000))).toBeGreaterThan(1_000)
    // A string without escapes refers to the text of the row, which is in memory anyway.
    expect(bytes('x'.repeat(1_000))).toBeLessThan(100)
  })
})
