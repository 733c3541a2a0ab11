import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addDecimals, wholePart } from '../../src/values/decimal.ts'

describe('decimal sums', () => {
  it.each([
    ['0.1', '0.2', '0.3'],
    ['0.3', '-0.3', '0'],
    ['1e-7', '1', '1.0000001'],
    ['5e-324', '-5e-324', '0'],
    ['-0.05', '0.1', '0.05'],
    ['-1.5', '0.5', '-1'],
    ['1e+21', '-1e+21', '0'],
    ['9007199254740990', '1', '9007199254740991'],
    ['1e+300', `-${'9'.repeat(300)}`, '1'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(addDecimals(a, b)).toBe(sum)
  })

  it.each([
    ['9007199254740991', '0.1'],
    ['1e+300', '1'],
    ['-9007199254740991', '-1'],
  ])('refuses %s + %s', (a, b) => {
    expect(() => addDecimals(a, b)).toThrow(expect.objectContaining({ code: 'COUNTER_RANGE' }))
  })

  it('are exact in hundredths, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1 }), (hundredths) => {
        const sum = hundredths.reduce((text, n) => addDecimals(text, String(n / 100)), '0')
        expect(Number(sum)).toBe(hundredths.reduce((a, b) => a + b, 0) / 100)
      }),
    )
  })
})

it('wholePart returns the whole part, and 0 for a negative number', () => {
  expect(['0', '7', '1.9', '-0.5', '-3', '1e+20', '0.99999999999999999999'].map(wholePart)).toEqual([
    0, 7, 1, 0, 0, 1e20, 0,
  ])
})
