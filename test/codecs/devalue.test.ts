import { inspect } from 'node:util'
import { build } from 'esbuild'
import { compressingCodec, devalueCodec, encryptingCodec, jsonCodec, memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'

const context = { key: 'key' }
const encode = (value: unknown) => devalueCodec.encode(value, context) as string
const decode = (text: string) => devalueCodec.decode(text, context)
const throughEncoding = (value: unknown) => decode(encode(value))

describe('devalueCodec', () => {
  it.each([
    ['a Date', new Date(5)],
    ['a Map of Sets', new Map([['a', new Set([1, new Date(0)])]])],
    ['bigints', [2n ** 70n]],
    ['a RegExp', /a"\/b/gi],
    ['a URL', new URL('https://a.example/?b=c')],
    ['URLSearchParams', new URLSearchParams('a=b')],
    ['bytes', new Uint8Array([0, 255])],
    ['floats', new Float64Array([0.1, Number.NaN])],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
    ['values that JSON changes', { a: undefined, b: [undefined, Number.NaN, Number.NEGATIVE_INFINITY, -0] }],
    ['holes', new Array(3)],
    ['strings with anything in them', 'a\0b\u2028</script>\ud800'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['boxed primitives', [Object('a'), Object(1n)]],
    ['plain data', { name: 'Ada', list: [1, 'two', null, true, {}] }],
  ])('keeps %s', (_, value) => {
    expect(throughEncoding(value)).toStrictEqual(value)
  })

  it('keeps cycles, and objects that occur twice', () => {
    const twice = { a: 1 }
    const value: { self?: unknown; list: unknown[] } = { list: [twice, twice] }
    value.self = value
    const found = throughEncoding(value) as typeof value
    expect(found.self).toBe(found)
    expect(found.list[0]).toBe(found.list[1])
  })

  it('returns a Buffer as exactly its bytes, without those beside it', () => {
    const found = throughEncoding(Buffer.from('abc')) as Uint8Array
    expect(found.constructor.name).toBe('Uint8Array')
    expect([[...found], found.buffer.byteLength]).toEqual([[97, 98, 99], 3])
  })

  it.each([
    ['undefined', undefined, 'undefined'],
    ['a function', { secret: [() => 'secret'] }, 'a function'],
    ['a symbol', [Symbol('secret')], 'a symbol'],
    ['a Promise', { secret: Promise.resolve('secret') }, 'an object'],
    [
      'an instance of a class',
      new Map([
        [
          'secret',
          new (class Secret {
            secret = 'secret'
          })(),
        ],
      ]),
      'an object',
    ],
    ['an Error', new Error('secret'), 'an object'],
    ['a key named __proto__', JSON.parse('{"__proto__":{"secret":1}}'), 'an object'],
    ['symbols as keys', { [Symbol('secret')]: 'secret' }, 'an object'],
  ])('refuses %s, without showing the value', async (_, value, type) => {
    const cache = memoryCache({ codec: devalueCodec })
    for (const store of [
      async () => encode(value),
      () => cache.set('key', value),
      () => cache.getOrSet('key', () => value),
    ]) {
      const error = await store().catch((reason: Error) => reason)
      expect(error).toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
      expect(String(error)).toContain(`got ${type}`)
      const { cause } = error as Error
      for (const shown of [error, cause]) {
        expect(inspect(shown, { depth: 9, showHidden: true }).replace(/at .*/g, '')).not.toMatch(/secret/i)
      }
    }
    expect(await cache.count()).toBe(0)
  })

  it.each([
    ['a polluting object', 'devalue:[{"__proto__":1},{"polluted":2},true]'],
    ['a polluting object without a prototype', 'devalue:[["null","__proto__",1],{"polluted":2},true]'],
    ['a polluting Map of objects', 'devalue:[["Map",1,2],"a",{"__proto__":3},{"polluted":4},true]'],
    ['an unknown type', 'devalue:[["Function","secret"]]'],
    ['a reference to a missing index', 'devalue:[{"a":5}]'],
    ['an index that is not a number', 'devalue:[{"a":"__proto__"}]'],
    ['a view without a buffer', 'devalue:[["Uint8Array",1],4294967295]'],
    ['text of JSON', '{"a":1}'],
    ['JSON text that devalue could mistake for its own', '[5,6]'],
    ['an empty text', ''],
    ['a truncated text', 'devalue:[{"secret":1},'],
  ])('treats hostile or foreign text as unreadable: %s', async (_, text) => {
    const planted = memoryCache({ codec: { encode: () => text, decode: devalueCodec.decode } })
    await planted.set('key', {})
    const error = await planted.get('key').catch((reason: Error) => reason)
    expect(error).toMatchObject({ code: 'UNREADABLE_VALUE' })
    expect(inspect(error, { depth: 9 }).replace(/at .*/g, '')).not.toContain('secret')
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('writes text that the JSON codec refuses, instead of reading an array of parts', () => {
    expect(() => jsonCodec.decode(encode([1, 2]), context)).toThrow(SyntaxError)
  })

  it('lets a constructor or prototype field reach nothing', () => {
    const found = decode('devalue:[{"constructor":1},{"prototype":2},{"polluted":3},true]')
    expect(found).toEqual({ constructor: { prototype: { polluted: true } } })
    expect(Reflect.get(Object.prototype, 'polluted')).toBeUndefined()
  })

  it('allocates no memory for a claimed length', () => {
    const before = process.memoryUsage().heapUsed
    expect((decode('devalue:[[-7,4294967295,5,1],"a"]') as unknown[])[5]).toBe('a')
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000)
  })

  it('can be compressed and encrypted', async () => {
    const codec = encryptingCodec({
      keys: { a: Uint8Array.from({ length: 32 }, (_, i) => i) },
      codec: compressingCodec({ codec: devalueCodec, threshold: 1 }),
    })
    const cache = memoryCache({ codec })
    const value = new Map([['at', new Date(0)]])
    for (let i = 0; i < 2; i++)
      expect(await cache.getOrSet<typeof value, typeof value>('key', () => value)).toEqual(value)
  })

  it('is not in the bundle of a program that does not use it', async () => {
    const bytesOf = async (source: string) => {
      const { metafile } = await build({
        stdin: { contents: source, resolveDir: process.cwd() },
        alias: { pgstash: './src/index.ts' },
        bundle: true,
        write: false,
        format: 'esm',
        metafile: true,
        external: ['drizzle-orm', '#tcp'],
      })
      const [output] = Object.values(metafile.outputs)
      const parts = Object.entries(output?.inputs ?? {}).filter(([path]) => path.includes('devalue'))
      return parts.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
    }
    expect(
      await bytesOf("import { createCache, memoryCache } from 'pgstash'; console.log(createCache, memoryCache)"),
    ).toBe(0)
    expect(await bytesOf("import { devalueCodec } from 'pgstash'; console.log(devalueCodec)")).toBeGreaterThan(1_000)
  })
})
