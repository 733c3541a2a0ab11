/** Numbers with more digits than a JavaScript number can hold. */

import { drizzle } from 'drizzle-orm/node-postgres'
import { compressingCodec, createCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { decimal } from '../../src/cli/arguments.ts'
import { compactJson, decimalText, indentedJson, storedForm } from '../../src/cli/json-text.ts'
import { createPool } from '../setup/databases.ts'
import { createSite, inTerminal, run, WAYS } from './command.ts'

const DIGITS = '9007199254740993'
const OUT_OF_RANGE = ['1e400', '-1e400', '1e-400', '1e999999999', `1${'0'.repeat(309)}`]

const columns = async (url: string, key: string) => {
  const text = 'select value, number::text from cache_entries where key = $1'
  return (await createPool(url).query(text, [key])).rows[0]
}

describe.each(WAYS)('exact digits, %s', (way) => {
  it('in a number are stored as a counter would store them', async () => {
    const { pgstash, url } = await createSite(way)
    await pgstash(['set', 'n', DIGITS])
    expect(await columns(url, 'n')).toEqual({ value: null, number: DIGITS })
    expect((await pgstash(['get', 'n'])).out).toBe(`${DIGITS}\n`)
    expect((await pgstash(['get', '--raw', 'n'])).out).toBe(`${DIGITS}\n`)
    await pgstash(['set', 'n', '-'], ' 0.1234567890123456789\n')
    expect((await pgstash(['increment', 'n', '--by', '1e-19'])).out).toBe('0.1234567890123456790\n')
    expect((await pgstash(['increment', 'n', '1'])).out).toBe('1.1234567890123456790\n')
  })

  it('in the numbers of a value are kept, in the form that the codec writes', async () => {
    const { pgstash, url } = await createSite(way)
    const json = `{ "a" : [${DIGITS}, 1.10, -0, 1E5],\n "b":"\\u00e9 \\u0000 \\ud800", "a b": {}, "c": [ ] }`
    expect((await pgstash(['set', 'k', json])).code).toBe(0)
    const stored = `{"a":[${DIGITS},1.10,-0,1E5],"b":"é \\u0000 \\ud800","a b":{},"c":[]}`
    expect(await columns(url, 'k')).toEqual({ value: stored, number: null })
    expect((await pgstash(['get', 'k'])).out).toBe(`${stored}\n`)
    const cache = createCache(drizzle(createPool(url)))
    expect(await cache.get('k')).toEqual(JSON.parse(json))
  })

  it('are exported and imported', async () => {
    const [from, to] = [await createSite(way), await createSite(way)]
    await from.pgstash(['set', 'n', DIGITS])
    await from.pgstash(['set', 'v', `[${DIGITS}]`])
    const { out } = await from.pgstash(['export'])
    expect((await to.pgstash(['import'], out)).out).toBe('Imported 2 entries.\n')
    expect((await to.pgstash(['get', 'n'])).out).toBe(`${DIGITS}\n`)
    expect((await to.pgstash(['get', 'v'])).out).toBe(`[${DIGITS}]\n`)
  })

  it('are counted up to the bounds of a counter, but no further', async () => {
    const { pgstash } = await createSite(way)
    await pgstash(['set', 'n', '-2'])
    expect((await pgstash(['increment', 'n', '9007199254740991'])).out).toBe('9007199254740989\n')
    expect(await pgstash(['increment', 'new', '--by', DIGITS])).toMatchObject({ code: 3, out: '' })
    expect((await pgstash(['get', 'new'])).code).toBe(1)
    await pgstash(['set', 'large', DIGITS])
    expect(await pgstash(['increment', 'large'])).toMatchObject({ code: 3, out: '' })
    expect((await pgstash(['get', 'large'])).out).toBe(`${DIGITS}\n`)
  })
})

const NOWHERE = { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x' }

describe('a number that JavaScript reads as Infinity or as 0', () => {
  it('is refused by set, also in an object, and by increment', async () => {
    for (const args of [
      ['set', 'k', '1e400'],
      ['set', 'k', '{"a":[-1e400]}'],
      ['increment', 'k', '--by=1e-400'],
    ]) {
      const { code, out, err } = await run(args, NOWHERE)
      expect([code, out, err]).toEqual([2, '', expect.stringContaining('within the range of a JavaScript number')])
    }
  })

  it.each(OUT_OF_RANGE)('is refused as a value and inside of one (case %#)', (number) => {
    for (const json of [number, `[${number}]`, `{"${number}":${number}}`]) {
      expect(() => storedForm(json)).toThrow('within the range of a JavaScript number')
    }
    expect(storedForm(`{"${number}":"${number}"}`).value).toBe(`{"${number}":"${number}"}`)
  })
})

describe('a delta argument', () => {
  it.each(['0x10', '1_000', 'Infinity', 'NaN', '', '1e', '5.'])('is not accepted as %j', (text) => {
    expect(() => decimal(text)).toThrow('Expected a number in decimal digits')
  })

  it.each([
    ['+5', '5'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['1E5', '1e+5'],
    ['-0', '0'],
    [' 7 ', '7'],
  ])('%j is read as %s', (text, delta) => {
    expect(decimal(text)).toBe(delta)
  })
})

describe('a compressed value', () => {
  it('is printed with its exact digits', async () => {
    const { pgstash, url } = await createSite()
    const json = `[${`${DIGITS},`.repeat(500)}0]`
    const codec = compressingCodec({ codec: { encode: () => json, decode: (text) => JSON.parse(text) } })
    await createCache(drizzle(createPool(url)), { codec }).set('k', 'any')
    expect((await columns(url, 'k')).value).toMatch(/^deflate:/)
    expect((await pgstash(['get', 'k'])).out).toBe(`${json}\n`)
  })

  it('from another codec is reported as unreadable, with exit code 3', async () => {
    const { pgstash, url } = await createSite()
    await createCache(drizzle(createPool(url)), { codec: { encode: () => 'no JSON', decode: () => 1 } }).set('k', 'any')
    expect(await pgstash(['get', 'k'])).toMatchObject({ code: 3, out: '' })
    expect((await pgstash(['get', 'k', '--raw'])).out).toBe('no JSON\n')
  })
})

it('a terminal gets an indented value, without characters that it would obey', async () => {
  const { pgstash, variables } = await createSite()
  await pgstash(['set', 'k', `{"n":${DIGITS},"e":[],"t":"a\\u009b31m\\u202e"}`])
  const shown = inTerminal(['get', 'k'], variables)
  expect(await shown.ended()).toBe(0)
  expect(shown.text()).toBe(`{\r\n  "n": ${DIGITS},\r\n  "e": [],\r\n  "t": "a\\u009b31m\\u202e"\r\n}\r\n`)
})

describe('JSON text', () => {
  const values = [
    null,
    true,
    0,
    -1.5e-7,
    '',
    'a"\\b\n\u2028',
    [],
    {},
    [[], {}],
    { a: [1, { b: [] }], 'c d': { e: null } },
  ]

  it.each(values)('%j has the form of JSON.stringify', (value) => {
    for (const json of [JSON.stringify(value), JSON.stringify(value, null, 3)]) {
      expect(compactJson(json)).toBe(JSON.stringify(value))
      expect(indentedJson(json)).toBe(JSON.stringify(value, null, 2))
    }
  })

  it('may be megabytes of one string, or a thousand levels deep', () => {
    const long = JSON.stringify('"\\'.repeat(2_000_000))
    expect(compactJson(long)).toBe(long)
    const deep = '['.repeat(5_000) + ']'.repeat(5_000)
    expect(storedForm(deep)).toEqual({ value: deep, number: null })
  })

  it('keeps fields of equal names, and their order', () => {
    expect(storedForm('{"2":1,"1":1,"2":3}').value).toBe('{"2":1,"1":1,"2":3}')
  })

  it.each(['', '01', '+1', '1.', '.1', 'NaN', "{'a':1}", '[1,]', '\u00a01'])('does not include %j', (text) => {
    expect(() => storedForm(text)).toThrow('Expected the value to be JSON')
  })

  it('is refused if Postgres would round the fraction of a number', () => {
    expect(decimalText(`0.${'1'.repeat(16_383)}`, 'it')).toHaveLength(16_385)
    expect(() => decimalText(`0.${'1'.repeat(16_384)}`, 'it')).toThrow('at most 16383 digits')
    expect(decimalText('0e999999999', 'it')).toBe('0')
  })
})
