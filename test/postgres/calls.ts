/** One call of every operation, with the answer that it must give on the entries of {@link prepare}. */
import type { Cache } from 'pgstash'

/** These entries stay live, whatever the calls do. */
export async function prepare(cache: Cache): Promise<void> {
  await cache.setMany({ object: { a: 1 }, number: 5, digits: '5', nothing: null })
  await cache.set('tagged', ['x'], { tags: ['kept'] })
  await cache.set('dated', true, { expiration: new Date('2100-01-01T00:00:00Z') })
}

export interface Call {
  readonly run: (cache: Cache, unique: string) => Promise<unknown>
  /** True if the answer is right. */
  readonly isRight: (answer: unknown) => boolean
  /** The answer for an empty cache. Without it, the call always finds something. */
  readonly absent?: unknown
}

const is = (expected: unknown) => (answer: unknown) => JSON.stringify(answer) === JSON.stringify(expected)
const isCount = (answer: unknown) => Number.isSafeInteger(answer) && Number(answer) >= 0
const isCounts = (answer: unknown) =>
  Object.values(Object(answer)).every((part) => typeof part === 'boolean' || isCount(part))

function reads(run: Call['run'], expected: unknown, absent?: unknown): Call {
  return { run, isRight: is(expected), ...(absent !== undefined && { absent }) }
}
const found = (run: Call['run'], expected: unknown): Call => ({ run, isRight: is(expected), absent: undefined })

export const CALLS: Readonly<Record<string, Call>> = {
  get: found((c) => c.get('object'), { a: 1 }),
  'get of a number': found((c) => c.get('number'), 5),
  'get of digits': found((c) => c.get('digits'), '5'),
  'get of null': found((c) => c.get('nothing'), null),
  'get, missing': reads((c) => c.get('missing'), undefined),
  'get, sliding': found((c) => c.get('object', { sliding: 60 }), { a: 1 }),
  'gets of one tick': reads(
    async (c) => Promise.all([c.get('object'), c.get('number'), c.get('tagged')]),
    [{ a: 1 }, 5, ['x']],
    [undefined, undefined, undefined],
  ),
  getMany: reads(
    async (c) => [...(await c.getMany(['object', 'missing', 'number']))],
    [
      ['object', { a: 1 }],
      ['number', 5],
    ],
    [],
  ),
  has: reads((c) => c.has('object'), true, false),
  'has, missing': reads((c) => c.has('missing'), false),
  'expiration, never': found((c) => c.expiration('object'), null),
  expiration: found((c) => c.expiration('dated'), new Date('2100-01-01T00:00:00Z')),
  entry: found((c) => c.entry('object').value(), { a: 1 }),
  set: reads((c, unique) => c.set(unique, { b: 2 }, { tags: ['t'], expiration: 60 }), undefined),
  setMany: reads((c, unique) => c.setMany({ [unique]: '"', [`${unique}2`]: 2 }, { tags: ['t'] }), undefined),
  add: reads((c, unique) => c.add(unique, 1), true, false),
  'add, refused': reads((c) => c.add('object', 1), false),
  touch: reads((c) => c.touch('object', null), true, false),
  increment: reads((c, unique) => c.increment(unique, 0.1), 0.1),
  decrement: reads((c, unique) => c.decrement(unique, 7), -7),
  limit: {
    run: (c, unique) => c.limit(unique, { limit: 1, period: 60 }),
    isRight(answer) {
      const { allowed, count, remaining, resetAt, resetMs } = Object(answer)
      return allowed === true && count === 1 && remaining === 0 && resetAt.getTime() > 0 && resetMs > 0
    },
  },
  pull: reads((c) => c.pull('missing'), undefined),
  delete: reads((c) => c.delete('missing'), false),
  deleteMany: reads((c) => c.deleteMany(['missing', 'absent']), 0),
  clear: reads((c, unique) => c.namespace(unique).clear(), 0),
  count: { run: (c) => c.count(), isRight: isCount },
  stats: { run: (c) => c.stats(), isRight: isCounts },
  list: reads(
    async (c) => (await c.list({ prefix: 'tagged' })).entries.map(({ key, tags }) => [key, tags]),
    [['tagged', ['kept']]],
    [],
  ),
  invalidate: reads((c, unique) => c.invalidate([unique, 'other']), undefined),
  snapshot: { run: (c) => c.snapshot(), isRight: (answer) => /^\d+:\d+:[\d,]*$/.test(String(answer)) },
  clearExpired: { run: (c) => c.clearExpired(), isRight: isCounts },
  getOrSet: { run: (c) => c.getOrSet('object', () => 'computed'), isRight: is({ a: 1 }), absent: 'computed' },
  'getOrSet, sliding': {
    run: (c) => c.getOrSet('tagged', () => 'computed', { sliding: true, expiration: 60 }),
    isRight: is(['x']),
    absent: 'computed',
  },
  'getOrSet, missing': reads((c, unique) => c.getOrSet(unique, () => 'computed', { tags: ['t'] }), 'computed'),
}
