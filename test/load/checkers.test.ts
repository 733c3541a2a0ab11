/** Handwritten histories: what counts as a violation, and what an overlap or a lost answer excuses. */
import { describe, expect, it } from 'vitest'
import type { OperationName, Recorded } from '../../src/load/history.ts'
import { judge } from '../../src/load/judge.ts'

type Kind = Recorded['kind']
const call =
  (kind: Kind) =>
  (operation: OperationName, start: number, end: number, rest: Partial<Recorded> = {}) =>
    ({ kind, key: 'k', client: 1, operation, start, end, ...rest }) satisfies Recorded

const found = (history: Recorded[], final = 0) =>
  judge({ history, final: { k: final }, leaseMs: 1000, faults: true }).map(({ kind }) => kind)

const LOST = { failed: 'DatabaseError' }

describe('the checker of registers', () => {
  const on = call('register')
  const [a, b] = [{ version: 'a' }, { version: 'b' }]

  it.each([
    [
      'a read after both writes may not get the first',
      [on('set', 0, 1, a), on('set', 2, 3, b), on('get', 4, 5, a)],
      'stale read',
    ],
    [
      'either of two overlapping writes may be the last',
      [on('set', 0, 3, a), on('set', 2, 4, b), on('get', 5, 6, a)],
      '',
    ],
    [
      'a read that overlaps the second write may get either',
      [on('set', 0, 1, a), on('set', 2, 5, b), on('get', 4, 6, a)],
      '',
    ],
    [
      'a write without an answer may never have happened',
      [on('set', 0, 1, a), on('set', 2, 3, { ...b, ...LOST }), on('get', 4, 5, a)],
      '',
    ],
    [
      'a write without an answer may happen late',
      [on('set', 0, 1, { ...a, ...LOST }), on('set', 2, 3, b), on('get', 4, 5, a)],
      '',
    ],
    [
      'a write without an answer has happened once it was read',
      [on('set', 0, 1, a), on('set', 2, 3, { ...b, ...LOST }), on('get', 4, 5, b), on('get', 6, 7, a)],
      'stale read',
    ],
    [
      'a value may not outlive its delete',
      [on('set', 0, 1, a), on('delete', 2, 3), on('get', 4, 5, a)],
      'value after delete',
    ],
    ['a write may not vanish', [on('set', 0, 1, a), on('get', 2, 3)], 'lost write'],
    ['a delete without an answer excuses a miss', [on('set', 2, 3, a), on('delete', 0, 1, LOST), on('get', 4, 5)], ''],
    ['a value may not come before its write', [on('get', 0, 1, a), on('set', 2, 3, a)], 'value of nobody'],
  ] as const)('%s', (_name, history, expected) => {
    expect(found([...history])).toEqual(expected === '' ? [] : [expected])
  })
})

describe('the checker of fills', () => {
  const on = call('fill')
  const made = (version: string, start: number, end: number) => ({ version, computation: { version, start, end } })

  it.each([
    [
      'two callers may not compute at once',
      [on('getOrSet', 0, 9, made('a', 1, 8)), on('getOrSet', 2, 9, made('b', 3, 7))],
      'double computation',
    ],
    [
      'two callers may compute at once after a delete',
      [on('getOrSet', 0, 9, made('a', 1, 8)), on('delete', 1, 2), on('getOrSet', 2, 9, made('b', 3, 7))],
      '',
    ],
    [
      'two callers may compute at once if the delete came after the first call',
      [on('getOrSet', 0, 9, made('b', 7, 9)), on('delete', 1, 3), on('getOrSet', 5, 9, made('a', 6, 8))],
      '',
    ],
    [
      'a delete before both calls excuses nothing',
      [on('delete', 0, 1), on('getOrSet', 2, 9, made('b', 7, 9)), on('getOrSet', 5, 9, made('a', 6, 8))],
      'double computation',
    ],
    [
      'two callers may compute at once after the lease has run out',
      [on('getOrSet', 0, 2000, made('a', 1, 1900)), on('getOrSet', 2, 1500, made('b', 1100, 1400))],
      '',
    ],
    [
      'one computation may follow another',
      [on('getOrSet', 0, 3, made('a', 1, 2)), on('getOrSet', 4, 7, made('b', 5, 6))],
      '',
    ],
    [
      'a value computed before an invalidation may not be read after it',
      [on('getOrSet', 0, 9, made('a', 1, 8)), on('invalidate', 2, 3), on('get', 10, 11, { version: 'a' })],
      'invalidation ignored',
    ],
    [
      'a value computed after an invalidation may be read',
      [on('invalidate', 0, 2), on('getOrSet', 1, 9, made('a', 3, 8)), on('get', 10, 11, { version: 'a' })],
      '',
    ],
    [
      'an invalidation without an answer proves nothing',
      [on('getOrSet', 0, 9, made('a', 1, 8)), on('invalidate', 2, 3, LOST), on('get', 10, 11, { version: 'a' })],
      '',
    ],
  ] as const)('%s', (_name, history, expected) => {
    expect(found([...history])).toEqual(expected === '' ? [] : [expected])
  })
})

describe('the checker of counters', () => {
  const on = call('counter')
  const [one, two] = [on('increment', 0, 1, { count: 1 }), on('increment', 2, 3, { count: 2 })]

  it('requires the sum of all additions at the end', () => {
    expect(found([one, two], 2)).toEqual([])
    expect(found([one, two], 1)).toEqual(['lost increment'])
  })

  it('allows a range if an answer was lost', () => {
    const history = [one, on('increment', 2, 3, LOST)]
    expect([0, 1, 2, 3].map((final) => found(history, final).length)).toEqual([1, 0, 0, 1])
  })

  it('refuses an answer that is repeated or smaller than before', () => {
    expect(found([one, on('increment', 0, 1, { count: 1 })], 2)).toEqual(['lost increment'])
    expect(found([on('increment', 0, 1, { count: 2 }), on('increment', 2, 3, { count: 1 })], 2)).toEqual([
      'lost increment',
    ])
  })
})

it('the checker treats an entry as expired at its deadline, and not one millisecond before it', () => {
  const on = call('deadline')
  const read = (askedAt: number) => on('get', 0, 1, { version: 'a', deadline: 100, askedAt })
  expect(found([read(100)])).toEqual(['read past deadline'])
  expect(found([read(99)])).toEqual([])
})
