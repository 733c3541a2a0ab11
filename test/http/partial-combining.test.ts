/** Combines parts in any order, and compares every answer with the bytes of the origin. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answer, selectRange } from '../../src/http/answer.ts'
import { answerPart } from '../../src/http/partial-answer.ts'
import { combineParts, joinPieces, MAX_PART_RANGES } from '../../src/http/partial-combining.ts'
import { isWhole, missingRanges, type PartRange, storedLength } from '../../src/http/partial-ranges.ts'
import { mayStorePart, partToStore, receivedPart, type StoredPart } from '../../src/http/partial-storing.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { mayStore } from '../../src/http/storing.ts'
import { DAY, date, get, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy()
const BODY = Uint8Array.from('0123456789', (digit) => digit.charCodeAt(0))

interface Stored extends StoredPart {
  readonly bytes: Uint8Array
}

/** The 206 that an origin with this body sends for the range. */
function sent(body: Uint8Array, [first, last]: PartRange, fields: Record<string, string> = {}, at = NOW): Stored {
  const common = { 'cache-control': 'max-age=60', etag: '"v1"', 'content-type': 'text/plain', date: date(at - NOW) }
  const range = { 'content-range': `bytes ${first}-${last}/${body.length}`, 'content-length': String(last - first + 1) }
  const came = response({ ...common, ...range, ...fields }, { status: 206, requestAt: at, responseAt: at })
  const parts = receivedPart(came, last - first + 1, true)
  if (parts === undefined) throw new Error('The origin sent a range that contradicts itself.')
  return { response: came, parts, bytes: body.slice(first, last + 1) }
}

const store = (part: Stored): Stored => ({ ...partToStore(part.response, part.parts, policy), bytes: part.bytes })

/** Combines parts as a cache does: a part that cannot be combined leaves the stored part unchanged. */
function combine(stored: Stored, received: Stored): Stored | undefined {
  const combined = combineParts(stored, received, policy)
  const bytes = combined && joinPieces(combined, stored.bytes, received.bytes)
  return combined && bytes && { ...combined, bytes }
}

const stored = (range: PartRange, fields: Record<string, string> = {}) => store(sent(BODY, range, fields))
const text = (bytes: Uint8Array | undefined) => bytes && String.fromCharCode(...bytes)

describe('combines two parts (RFC 9111 3.4)', () => {
  it.each([
    [[0, 4], [5, 9], [[0, 9]]],
    [[5, 9], [0, 4], [[0, 9]]],
    [[0, 5], [3, 9], [[0, 9]]],
    [[0, 9], [3, 4], [[0, 9]]],
    [[3, 4], [0, 9], [[0, 9]]],
    [
      [0, 1],
      [4, 5],
      [
        [0, 1],
        [4, 5],
      ],
    ],
    [
      [4, 5],
      [0, 1],
      [
        [0, 1],
        [4, 5],
      ],
    ],
  ] as [PartRange, PartRange, PartRange[]][])('%j and %j into %j', (first, second, expected) => {
    const combined = combine(stored(first), sent(BODY, second))
    expect(combined?.parts).toEqual({ ranges: expected, completeLength: 10 })
    const bytes = expected.map(([from, to]) => text(BODY.slice(from, to + 1))).join('')
    expect(text(combined?.bytes)).toBe(bytes)
  })

  it('into a complete 200 if no byte is missing', () => {
    const combined = combine(stored([0, 4]), sent(BODY, [5, 9]))
    expect(combined?.response.status).toBe(200)
    expect(combined?.response.headers.get('content-length')).toBe('10')
    expect(combined?.response.headers.has('content-range')).toBe(false)
    const { response: whole } = combined ?? stored([0, 4])
    expect(mayStore(get(), whole, policy)).toEqual({ store: true })
    expect(answer(get(), whole, { now: NOW, bodyBytes: 10 })).toMatchObject({ status: 200, body: 'whole' })
  })

  it('into a 206 while bytes are missing', () => {
    const combined = combine(stored([0, 1]), sent(BODY, [4, 5]))
    expect(combined?.response.status).toBe(206)
    expect(combined?.response.headers.has('content-length')).toBe(false)
  })

  it('with the fields and instants of the new response, and the stored fields that it omits', () => {
    const old = stored([0, 4], { 'x-own': 'old', 'x-kept': '1' })
    const later = NOW + 30 * SECOND
    const update = {
      'x-own': 'new',
      'cache-control': 'max-age=9',
      'content-digest': 'sha-256=:A:',
      'set-cookie': 'a=b',
    }
    const combined = combine(old, sent(BODY, [5, 9], update, later))
    expect(combined?.response).toMatchObject({ requestAt: later, responseAt: later })
    expect(Object.fromEntries(combined?.response.headers ?? [])).toEqual({
      'cache-control': 'max-age=9',
      'content-length': '10',
      'content-type': 'text/plain',
      date: date(30 * SECOND),
      etag: '"v1"',
      'x-kept': '1',
      'x-own': 'new',
    })
  })

  it('if the first is a 200 that broke off', () => {
    const came = response({
      'cache-control': 'max-age=60',
      etag: '"v1"',
      'content-length': '10',
      'content-type': 'a/b',
    })
    expect(mayStorePart(get(), came, policy)).toEqual({ store: true, alone: true })
    const parts = receivedPart(came, 4, false)
    if (parts === undefined) throw new Error('Expected a part.')
    const broken = { ...partToStore(came, parts, policy), bytes: BODY.slice(0, 4) }
    const combined = combine(broken, sent(BODY, [4, 9]))
    expect(combined?.response.status).toBe(200)
    expect(combined?.response.headers.get('content-type')).toBe('a/b')
    expect(text(combined?.bytes)).toBe('0123456789')
  })

  it('if they have the same strong Last-Modified', () => {
    const dated = (range: PartRange) => {
      const { response: tagged, ...rest } = sent(BODY, range, { 'last-modified': date(-DAY) })
      const headers = new Headers(tagged.headers)
      headers.delete('etag')
      return { ...rest, response: { ...tagged, headers } }
    }
    expect(combine(store(dated([0, 4])), dated([5, 9]))?.response.status).toBe(200)
  })
})

describe('does not combine two parts', () => {
  it.each([
    ['another entity tag', {}, { etag: '"v2"' }],
    ['a weak entity tag', { etag: 'W/"v1"' }, { etag: 'W/"v1"' }],
    ['the weak form of the entity tag', {}, { etag: 'W/"v1"' }],
    ['a malformed entity tag', { etag: 'v1' }, { etag: 'v1' }],
    ['another Content-Encoding', {}, { 'content-encoding': 'gzip' }],
  ] as [string, Record<string, string>, Record<string, string>][])('with %s', (_, first, second) => {
    expect(combine(stored([0, 4], first), sent(BODY, [5, 9], second))).toBeUndefined()
  })

  it('if they disagree about the complete length', () => {
    expect(combine(stored([0, 4]), sent(BODY.slice(0, 9), [5, 8]))).toBeUndefined()
  })

  it('if only one has an entity tag, whatever Last-Modified says', () => {
    const bare = sent(BODY, [5, 9], { 'last-modified': date(-DAY) })
    const headers = new Headers(bare.response.headers)
    headers.delete('etag')
    const given = { ...bare, response: { ...bare.response, headers } }
    expect(combine(stored([0, 4], { 'last-modified': date(-DAY) }), given)).toBeUndefined()
  })

  it('if together they have too many ranges', () => {
    const body = new Uint8Array(4 * MAX_PART_RANGES)
    const single = (i: number) => sent(body, [2 * i, 2 * i])
    let part: Stored | undefined = store(single(0))
    for (let i = 1; i < MAX_PART_RANGES && part; i++) part = combine(part, single(i))
    expect(part?.parts.ranges).toHaveLength(MAX_PART_RANGES)
    expect(part && combine(part, single(MAX_PART_RANGES))).toBeUndefined()
    expect(part && combine(part, sent(body, [0, 20]))).toBeDefined()
  })

  it('if the bytes do not belong to the parts', () => {
    const combined = combineParts(stored([0, 4]), sent(BODY, [5, 9]), policy)
    expect(combined && joinPieces(combined, BODY.slice(0, 4), BODY.slice(5))).toBeUndefined()
  })
})

const bodies = fc.uint8Array({ minLength: 1, maxLength: 40 })
const rangesOf = (body: Uint8Array) =>
  fc
    .array(fc.tuple(fc.nat(body.length - 1), fc.nat(body.length - 1)), { minLength: 1, maxLength: 12 })
    .map((pairs) => pairs.map(([a, b]): PartRange => [Math.min(a, b), Math.max(a, b)]))

describe('for any parts in any order', () => {
  it('the stored bytes are those of the body, and a part serves exactly the ranges that it has', () => {
    const run = bodies.chain((body) => fc.tuple(fc.constant(body), rangesOf(body), fc.nat(40), fc.nat(40)))
    fc.assert(
      fc.property(run, ([body, ranges, a, b]) => {
        const [first, ...rest] = ranges.map((range) => sent(body, range))
        if (first === undefined) return
        let part: Stored | undefined = store(first)
        for (const received of rest) part = part && combine(part, received)
        if (part === undefined) throw new Error('Parts of one representation must combine.')
        const have = new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)))
        expect(part.bytes).toEqual(body.filter((_, position) => have.has(position)))
        expect(storedLength(part.parts)).toBe(have.size)
        expect(isWhole(part.parts)).toBe(have.size === body.length)
        expect(part.response.status).toBe(have.size === body.length ? 200 : 206)
        const missing = missingRanges(part.parts).flat()
        expect(missing.every((position) => !have.has(position))).toBe(true)

        const asked = `bytes=${Math.min(a, b)}-${Math.max(a, b)}`
        const found = answerPart(get({ range: asked }), part, { now: NOW })
        const range = selectRange(asked, body.length)
        const isHeld =
          typeof range === 'object' && body.every((_, i) => i < range.first || range.last < i || have.has(i))
        expect(found !== undefined).toBe(isHeld)
        if (found === undefined || typeof found.body !== 'object' || typeof range !== 'object') return
        expect(part.bytes.slice(found.body.first, found.body.last + 1)).toEqual(body.slice(range.first, range.last + 1))
      }),
      { numRuns: 3_000 },
    )
  })

  it('parts that cover the body become the body', () => {
    const covering = bodies.chain((body) =>
      fc.uniqueArray(fc.nat(body.length - 1), { maxLength: 8 }).chain((cuts) => {
        const starts = [...new Set([0, ...cuts])].sort((x, y) => x - y)
        const ranges = starts.map((start, i): PartRange => [start, (starts[i + 1] ?? body.length) - 1])
        return fc.tuple(fc.constant(body), fc.shuffledSubarray(ranges, { minLength: ranges.length }))
      }),
    )
    fc.assert(
      fc.property(covering, ([body, ranges]) => {
        const [first, ...rest] = ranges.map((range) => sent(body, range))
        if (first === undefined) return
        let part: Stored | undefined = store(first)
        for (const received of rest) part = part && combine(part, received)
        expect(part?.bytes).toEqual(body)
        expect(part?.parts).toEqual({ ranges: [[0, body.length - 1]], completeLength: body.length })
      }),
      { numRuns: 2_000 },
    )
  })

  it('no answer mixes bytes of two representations', () => {
    // Each byte names its representation, so that a mixture is visible.
    const versions = fc.array(fc.tuple(fc.constantFrom(1, 2, 3), fc.nat(9), fc.nat(9), fc.boolean()), { minLength: 1 })
    fc.assert(
      fc.property(versions, fc.nat(9), fc.nat(9), (steps, a, b) => {
        let part: Stored | undefined
        for (const [version, x, y, replaces] of steps) {
          const body = new Uint8Array(10).fill(version)
          const received = sent(body, [Math.min(x, y), Math.max(x, y)], { etag: `"v${version}"` })
          const combined: Stored | undefined = part && combine(part, received)
          part = combined ?? (part === undefined || replaces ? store(received) : part)
        }
        if (part === undefined) return
        expect(new Set(part.bytes).size).toBe(1)
        expect(part.response.headers.get('etag')).toBe(`"v${part.bytes[0]}"`)
        const asked = get({ range: `bytes=${Math.min(a, b)}-${Math.max(a, b)}`, 'if-range': '"v1"' })
        const found = answerPart(asked, part, { now: NOW })
        if (found !== undefined) expect(part.bytes[0]).toBe(1)
      }),
      { numRuns: 2_000 },
    )
  })
})
