import { jsonCodec, UnserializableValueError } from 'pgstash'
import { describe, expect, it } from 'vitest'

const encode = (value: unknown) => jsonCodec.encode(value, { key: 'key' })

/** Messages name the refused value and the containers around it. */
function lossIn(value: unknown): string | undefined {
  try {
    encode(value)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(UnserializableValueError)
    return /got (.*), whose content/.exec(String(error))?.[1]
  }
}

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  length = () => Math.hypot(this.x, this.y)
}
class Lru extends Map {
  max = 5
}
class Hidden {
  readonly #a = 1
  get a(): number {
    return this.#a
  }
}

describe('the JSON codec', () => {
  it.each([
    ['a Map subclass with fields', new Lru(), 'a Map'],
    ['an Error with fields', Object.assign(new TypeError('x'), { code: 'E' }), 'an Error'],
    ['a DOMException', new DOMException('x'), 'a DOMException'],
    ['typed arrays', [new Float64Array(1)], 'a Float64Array in an array'],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'a DataView'],
    ['a SharedArrayBuffer', new SharedArrayBuffer(1), 'a SharedArrayBuffer'],
    ['a WeakRef', new WeakRef({}), 'a WeakRef'],
    ['Headers', { headers: new Headers({ a: 'b' }) }, 'a Headers in an object'],
    ['URLSearchParams', new URLSearchParams('a=b'), 'a URLSearchParams'],
    ['a Blob', new Blob(['x']), 'a Blob'],
    ['a generator', (function* () {})(), 'an instance of a class without fields'],
    ['private state', { a: [new Hidden()] }, 'an instance of a class without fields in an array in an object'],
    ['a value with only prototype fields', Object.create({ a: 1 }), 'an instance of a class without fields'],
    ['a boxed symbol', Object(Symbol('x')), 'a Symbol'],
    ['a Map that toJSON returns', { toJSON: () => [new Map()] }, 'a Map in an array'],
    ['an array of functions', [() => 1], 'an array of nothing but functions and symbols'],
    [
      'a Map behind a getter',
      Object.defineProperty({}, 'a', { get: () => new Map(), enumerable: true }),
      'a Map in an object',
    ],
    [
      'a toStringTag of a program',
      Object.assign(Object.create({ [Symbol.toStringTag]: 'secret' })),
      'an instance of a class without fields',
    ],
  ])('refuses %s', (_, value, loss) => {
    expect(lossIn(value)).toBe(loss)
  })

  it.each([
    ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['undefined fields', { a: undefined }, '{}'],
    [
      'undefined, NaN and Infinity in arrays',
      [undefined, Number.NaN, Number.NEGATIVE_INFINITY, ...new Array(1), 1],
      '[null,null,null,null,1]',
    ],
    ['holes', new Array(2), '[null,null]'],
    ['-0', [-0], '[0]'],
    ['functions beside data', { n: 1, f: () => 1, s: Symbol('s') }, '{"n":1}'],
    ['functions beside data in arrays', [1, () => 1], '[1,null]'],
    ['instances with fields', new Point(3, 4), '{"x":3,"y":4}'],
    ['toJSON', { toJSON: () => ({ a: 1 }) }, '{"a":1}'],
    [
      'toJSON that returns itself',
      new (class {
        n = 1
        toJSON() {
          return this
        }
      })(),
      '{"n":1}',
    ],
    ['a URL', new URL('https://a.example'), '"https://a.example/"'],
    ['a Buffer in an object', { a: Buffer.from('a') }, '{"a":{"type":"Buffer","data":[97]}}'],
    ['boxed primitives', [Object('a'), Object(1), Object(false)], '["a",1,false]'],
    ['objects without a prototype', Object.assign(Object.create(null), { a: {} }), '{"a":{}}'],
    [
      'keys like __proto__',
      JSON.parse('{"__proto__":{"a":1},"constructor":1}'),
      '{"__proto__":{"a":1},"constructor":1}',
    ],
    [
      'getters',
      {
        get a() {
          return 1
        },
      },
      '{"a":1}',
    ],
    ['symbol keys beside data', { n: 1, [Symbol('s')]: 2 }, '{"n":1}'],
    ['array subclasses with fields', Object.assign([1], { count: 1 }), '[1]'],
    ['empty objects and arrays', [{}, [], [[]]], '[{},[],[[]]]'],
    [
      'a Map whose toJSON a program has defined',
      Object.assign(new Map([['a', 1]]), { toJSON: () => ({ a: 1 }) }),
      '{"a":1}',
    ],
  ])('writes %s as JSON does', (_, value, text) => {
    expect(encode(value)).toBe(text)
    expect(encode(value)).toBe(JSON.stringify(value))
  })

  it('writes bytes in base64, and reads no other text as bytes', async () => {
    const { runInNewContext } = await import('node:vm')
    for (const bytes of [Buffer.from('a'), Uint8Array.of(97), runInNewContext('Uint8Array.of(97)')]) {
      expect(encode(bytes)).toBe('bytes:YQ==')
    }
    expect(jsonCodec.decode('bytes:YQ==', { key: '' })).toEqual(Uint8Array.of(97))
    expect(jsonCodec.decode('"bytes:YQ=="', { key: '' })).toBe('bytes:YQ==')
    expect(() => jsonCodec.decode('bytes:?', { key: '' })).toThrow()
  })

  it('accepts plain objects of another realm', async () => {
    const { runInNewContext } = await import('node:vm')
    expect(encode(runInNewContext('({ a: [{}], at: new Date(0) })'))).toBe('{"a":[{}],"at":"1970-01-01T00:00:00.000Z"}')
    expect(lossIn(runInNewContext('({ a: new Map() })'))).toBe('a Map in an object')
    expect(lossIn(runInNewContext('[new Error()]'))).toBe('an Error in an array')
  })

  it('accepts every depth that JSON.stringify accepts', () => {
    let value: unknown = 1
    let deepest = 0
    for (let depth = 0; ; depth++) {
      value = depth % 2 === 0 ? [value] : { value }
      if (depth % 500 !== 0) continue
      try {
        JSON.stringify(value)
      } catch {
        break
      }
      expect(typeof encode(value)).toBe('string')
      deepest = depth
    }
    expect(deepest).toBeGreaterThan(500)
  })

  it('names the remedy in its error', () => {
    expect(() => encode({ a: Promise.resolve(1) })).toThrow('Await it.')
    expect(() => encode({ a: new Set() })).toThrow('Convert it to plain data, or use devalueCodec.')
  })
})
