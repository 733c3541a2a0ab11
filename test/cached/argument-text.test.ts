import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { cached, nullCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { argumentText } from '../../src/cached/argument-text.ts'

/** No two of these are the same arguments. */
const DIFFERENT: unknown[][] = [
  [],
  [undefined],
  [null],
  [[]],
  [[undefined]],
  [new Array(1)],
  [new Array(2)],
  [[null]],
  [''],
  ['', ''],
  [['', '']],
  [0],
  [-0],
  ['0'],
  [0n],
  ['0n'],
  [1],
  ['1'],
  [1n],
  [true],
  ['true'],
  [false],
  [Number.NaN],
  ['NaN'],
  [Number.POSITIVE_INFINITY],
  [Number.NEGATIVE_INFINITY],
  ['a:b'],
  ['a', 'b'],
  ['a,b'],
  ['a","b'],
  [['a', 'b']],
  ['a', ['b']],
  [{}],
  [{ a: undefined }],
  [{ a: null }],
  [{ a: 1, b: 2 }],
  [{ a: { b: 2 } }],
  [{ 'a:b': 2 }],
  [{ __proto__: null, x: 1 }],
  [JSON.parse('{"__proto__":1}')],
  [new Date(0)],
  [new Date(Number.NaN)],
  ['1970-01-01T00:00:00.000Z'],
  ['Date:0'],
  [new Map()],
  [new Map([['a', 1]])],
  [[['a', 1]]],
  [{ a: 1 }],
  [new Map([[{ a: 1 }, 1]])],
  [new Set()],
  [new Set([1])],
  [new Set([1, 2])],
  [new Set([2, 1])],
  [new Set(['1'])],
  ['\ud800'],
  ['\\ud800'],
  ['\0'],
]

class Empty extends (null as unknown as typeof Object) {
  static make(): object {
    return Object.create(Empty.prototype)
  }
}

/** Objects whose text lacks a part that a function can read. */
function hiding(): unknown[] {
  const secret = { value: 1, enumerable: false }
  const template = (strings: TemplateStringsArray) => strings
  const holders: object[] = [{ a: 1 }, [1], new Map([[1, 2]]), new Set([1]), new Date(0)]
  return [
    'text'.match(/x/) ?? expect.unreachable(),
    ...holders.map((holder) => Object.defineProperty(structuredClone(holder), 'hidden', secret)),
    ...holders.map((holder) => Object.assign(structuredClone(holder), { [Symbol('s')]: 1 })),
    ...holders.map((holder) => Object.defineProperty(structuredClone(holder), Symbol('s'), secret)),
    ...holders.slice(1).map((holder) => Object.assign(structuredClone(holder), { extra: 1 })),
    // Not an array index, although it consists of digits.
    Object.assign([1], { '01': 1 }),
    Object.assign([1], { '4294967295': 1 }),
    template`a\n`,
    Object.create({ inherited: 1 }),
    Object.create(Object.assign(Object.create(null), { inherited: 1 })),
    Empty.make(),
    Object.setPrototypeOf([1], class {}.prototype),
    Object.setPrototypeOf(new Date(0), Map.prototype),
    Object.setPrototypeOf(new Map(), Object.create(null)),
    Object.create(Date.prototype),
    Object.create(Array.prototype),
    (function f(..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: the object itself is an argument
      return arguments
    })(1),
  ]
}

describe('the text of arguments', () => {
  it('differs for different arguments', () => {
    const texts = DIFFERENT.map(argumentText)
    const repeated = texts.filter((text, i) => texts.indexOf(text) !== i)
    expect(repeated).toEqual([])
  })

  it('is equal for fields in any order, and for values of another realm', () => {
    expect(argumentText([{ a: 1, b: { c: 2, d: 3 } }])).toBe(argumentText([{ b: { d: 3, c: 2 }, a: 1 }]))
    const foreign = runInNewContext('[{ a: [1], d: new Date(5), m: new Map([[1, new Set([2])]]) }]') as unknown[]
    const own = [{ a: [1], d: new Date(5), m: new Map([[1, new Set([2])]]) }]
    expect(argumentText(foreign)).toBe(argumentText(own))
  })

  it.each(hiding().map((value, i) => [i, value]))(
    'is refused if an argument hides a part (%i), at any depth',
    (_i, value) => {
      for (const argument of [value, [value], { deep: [value] }, new Map([[value, 1]]), new Set([value])]) {
        expect(() => argumentText([argument])).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
      }
    },
  )

  it('is refused if a value of another realm hides a part', () => {
    const foreign = runInNewContext(`[
      Object.assign([1], { extra: 1 }), Object.defineProperty({}, 'hidden', { value: 1 }), Object.create({ a: 1 }),
      new (class extends Map {})(), Object.create((class extends null {}).prototype), Object.assign(new Date(0), { zone: 1 }),
    ]`) as unknown[]
    for (const value of foreign) expect(() => argumentText([value])).toThrow(/Set the option `key`/)
  })

  it('is equal for a getter and the value that it returns', () => {
    const seen = {
      get a() {
        return 1
      },
    }
    expect(argumentText([seen])).toBe(argumentText([{ a: 1 }]))
  })

  it('differs for all different JSON, and has no parenthesis outside of strings', () => {
    const values = fc.array(fc.jsonValue(), { maxLength: 3 })
    const canonical = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(canonical)
      if (typeof value === 'number') return Object.is(value, -0) ? '-0' : value
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          // Compared by name, because comparing whole entries would call a `toString` of the value.
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, field]) => [name, canonical(field)]),
      )
    }
    fc.assert(
      fc.property(values, values, (a, b) => {
        const isSame = JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
        expect(argumentText(a) === argumentText(b)).toBe(isSame)
        expect(argumentText(a).replace(/"(?:\\.|[^"\\])*"/g, '')).not.toMatch(/[()#]/)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is refused with advice if nothing distinguishes the arguments', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = { cycle }
    const deep = Array.from({ length: 300 }).reduce<unknown>((inner) => [inner], 1)
    class Own {}
    class OwnDate extends Date {}
    const wrong = [
      () => 1,
      Symbol('s'),
      new Own(),
      new OwnDate(),
      new (class extends Map {})(),
      { [Symbol.toStringTag]: 'Map' },
      Object.create({ [Symbol.toStringTag]: 'Map' }),
      /x/,
      new URL('https://example.com'),
      new Uint8Array(1),
      new Error('x'),
      new Number(5),
      Promise.resolve(),
      new WeakMap(),
      cycle,
      deep,
      { deep: { fn: () => 1 } },
      new Map([[new Own(), 1]]),
      // With parts that their text would omit.
      ...hiding(),
    ]
    for (const value of wrong) {
      expect(() => argumentText([value])).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
      expect(() => argumentText([value])).toThrow(/Set the option `key` to a function/)
    }
  })
})

describe('the key of a call', () => {
  const key = (prefix: string, ...args: unknown[]) =>
    cached((..._: unknown[]) => 1, { key: prefix, cache: nullCache() }).key(...args)

  it('is readable if it is short', () => {
    expect(key('user', 42, { admin: true })).toBe('user(42,{"admin":true})')
  })

  it('stays short however long the arguments are', () => {
    const [one, other] = [key('f', 'x'.repeat(10_000)), key('f', `${'x'.repeat(9_999)}y`)]
    expect([one.length, other.length]).toEqual([68, 68])
    expect(one).not.toBe(other)
  })

  it('never equals the key of another prefix', () => {
    const part = fc.string({ unit: fc.constantFrom('(', ')', '"', '\\', ',', '1', '#'), maxLength: 6 })
    const prefix = part.filter((text) => text !== '')
    fc.assert(
      fc.property(prefix, fc.array(part, { maxLength: 2 }), prefix, fc.array(part, { maxLength: 2 }), (p, a, q, b) => {
        expect(key(p, ...a) === key(q, ...b)).toBe(JSON.stringify([p, a]) === JSON.stringify([q, b]))
      }),
      { numRuns: 5_000 },
    )
  })

  it('is refused before anything is computed', async () => {
    let computed = 0
    const find = cached(
      (_: unknown) => {
        computed++
      },
      { key: 'find', cache: nullCache() },
    )
    await expect(find(Symbol('s'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
    expect(computed).toBe(0)
  })
})
