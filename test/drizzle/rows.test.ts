/** Values as text and back. A hit must equal the values that the driver returned, of any type. */
import { Buffer } from 'node:buffer'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { rowsOf, rowsText, valuesOf, valuesText } from '../../src/drizzle/rows.ts'

const bare = (entries: object) => Object.assign(Object.create(null), entries)
const shared = new Uint8Array(64).map((_, i) => i)
const own = JSON.parse('{"__proto__": {"__proto__": 1}, "constructor": 2}')

describe('values survive storing unchanged', () => {
  const values: Record<string, unknown> = {
    'a Date': new Date(5),
    'an invalid Date': new Date(Number.NaN),
    'a bigint': 2n ** 70n,
    'numbers that JSON does not know': [-0, Number.NaN, Number.POSITIVE_INFINITY, undefined],
    'text with lone surrogates, U+0000 and line separators': '\ud800 \0 \u2028 </script> 😀',
    'a Buffer': Buffer.from([0, 255]),
    'an empty Buffer': Buffer.alloc(0),
    'a Uint8Array': new Uint8Array([0, 255]),
    'a Float64Array': new Float64Array([-0, 1.5]),
    'a DataView': new DataView(shared.buffer, 3, 4),
    'an ArrayBuffer': new Uint8Array([1, 2]).buffer,
    'a Map of objects': new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])]]),
    'a sparse array': Object.assign(Array(3), { 0: 1, 2: 3 }),
    'no prototype': bare({ a: bare({}) }),
    'keys of the prototype': own,
    'keys of the prototype, without a prototype': bare({ ...own, ['__proto__']: 1 }),
    'a Buffer deep inside': [[{ a: new Map([['b', [Buffer.from('x')]]]) }]],
  }
  it.each(Object.entries(values))('%s', (_name, value) => {
    const back = valuesOf(valuesText([value]))
    expect(back).toStrictEqual([value])
    const [expected, found] = [prototypes([value]), prototypes(back)]
    // Compared by identity, because a deep comparison would look into the prototypes.
    expect(found.map((prototype, i) => prototype === expected[i])).toEqual(expected.map(() => true))
  })

  it('rows survive from a driver that returns more than rows, and from one that returns only rows', () => {
    class Result extends Array {
      command = 'SELECT'
    }
    expect(rowsOf(rowsText({ rows: [[1]], fields: [() => {}] }))).toStrictEqual({ rows: [[1]] })
    expect(rowsOf(rowsText(Result.from([[1]])))).toStrictEqual([[1]])
  })

  it('rows of another realm survive', () => {
    expect(valuesOf(valuesText(runInNewContext('[{ a: [new Date(5), new Map()] }]')))).toEqual([
      { a: [new Date(5), new Map()] },
    ])
  })
})

it('stores only the bytes of a view, not those beside it', () => {
  const view = shared.subarray(10, 12)
  expect(valuesText([view]).length).toBeLessThan(80)
  expect(valuesOf(valuesText([view]))).toStrictEqual([new Uint8Array([10, 11])])
})

describe('a value that would change is refused, with an error that does not show it', () => {
  class Money {
    secret = 'row'
  }
  const values: Record<string, unknown> = {
    'an instance of a class': new Money(),
    'an instance deep inside': [{ a: new Map([[1, new Money()]]) }],
    'a subclass of Date': new (class extends Date {})(),
    'a subclass of Map': new (class extends Map {})(),
    'a subclass of Array': new (class extends Array {})(),
    'an array with properties': Object.assign(['row'], { command: 'row' }),
    'a boxed number': Object(5),
    'a function': () => 'row',
    'a symbol': Symbol('row'),
    'an Error': new Error('row'),
    'too deep a document': Array.from({ length: 100_000 }).reduce((inner) => [inner], 'row'),
  }
  it.each(Object.entries(values))('%s', (_name, value) => {
    const error = errorOf(() => valuesText([value]))
    expect(error).toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
    expect([Object.keys(Object(error)).sort(), Object(error).cause]).toEqual([['code', 'name'], undefined])
  })
})

function errorOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

/** Every nested value, in order. */
function prototypes(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = value instanceof Map || value instanceof Set ? [...value.entries()].flat() : Object.values(value)
  return [Object.getPrototypeOf(value), ...(ArrayBuffer.isView(value) ? [] : inside.flatMap(prototypes))]
}
