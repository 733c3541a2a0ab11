import type { Suite } from './suite.ts'

/** A cache returns each of these unchanged. */
const VALUES: Record<string, unknown> = {
  'an object': { name: 'Ada', nested: { list: [1, 'two', null, true] } },
  'an array': [1, [2, [3]], {}],
  'an empty string': '',
  'the string "5"': '5',
  'the string "null"': 'null',
  'the string "true"': 'true',
  'a string with U+0000': 'a\0b',
  'a string with a lone surrogate': 'a\ud800b',
  'a string of quotes and backslashes': `'"\\\\"'{},NULL`,
  'emoji and combining characters': 'e\u0301 👩‍👩‍👧‍👦 \u{10FFFF}',
  true: true,
  false: false,
  zero: 0,
  'a fraction': 0.1,
  'a negative number': -12.5,
  'a huge number': Number.MAX_VALUE,
  'a tiny number': Number.MIN_VALUE,
  'an unsafe integer': 2 ** 60,
  'an object with a key named __proto__': JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
  'an array that looks like a Postgres array': ['{a,b}', 'NULL', ''],
  'a string of 1 MB': 'é'.repeat(500_000),
  'a string that begins like stored bytes': 'bytes:AAEC',
  'bytes of every value': Uint8Array.from({ length: 256 }, (_, i) => i),
  'zero bytes': new Uint8Array(),
  'a part of a larger buffer': Uint8Array.from([1, 2, 3, 4]).subarray(1, 3),
  '100 KB of bytes': new Uint8Array(100_000).fill(200),
}

/** Returns an object that starts its work when it is awaited, like a Drizzle query. Nothing may await it. */
function lazyQuery(): object {
  const start = () => {
    throw new Error('The query was sent.')
  }
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what the test needs
  return { table: 'users', then: start }
}

export function values({ describe, it, test, expect, rejectsWith, store }: Suite): void {
  describe('values', () => {
    for (const [name, value] of Object.entries(VALUES)) {
      test(`stores ${name}`, async (cache) => {
        await cache.set('one', value)
        await cache.setMany([
          ['two', value],
          ['three', value],
        ])
        expect(await cache.get('one')).toEqual(value)
        expect(await cache.get('one', { sliding: 60 })).toEqual(value)
        expect((await cache.getMany(['two'])).get('two')).toEqual(value)
        expect(await cache.pull('three')).toEqual(value)
      })
    }

    test('returns bytes as a separate Uint8Array from every method', async (cache) => {
      const bytes = Uint8Array.from([0, 128, 255])
      const written = cache.set('key', bytes)
      bytes[0] = 7
      await written
      const stored = Uint8Array.from([0, 128, 255])
      const first = await cache.get<Uint8Array>('key')
      first?.fill(9)
      expect(first?.constructor).toBe(Uint8Array)
      const answers = [
        await cache.get('key'),
        (await cache.getMany(['key'])).get('key'),
        await cache.getOrSet('key', () => 'other'),
        await cache.getOrSet('computed', () => stored),
        await cache.getOrSet('computed', () => 'other'),
        await cache.pull('key'),
      ]
      for (const answer of answers) expect(answer).toEqual(stored)
    })

    test('refuses bytes inside other values, because JSON would turn them into an object', async (cache) => {
      for (const value of [[new Uint8Array(1)], { bytes: new Uint8Array(1) }, { toJSON: () => new Uint8Array(1) }]) {
        await rejectsWith(cache.set('key', value), 'UNSERIALIZABLE_VALUE')
      }
      expect(await cache.has('key')).toBe(false)
    })

    test('treats a stored null as a hit', async (cache) => {
      await cache.set('key', null)
      expect(await cache.get('key', { fallback: 'missing' })).toBe(null)
      expect(await cache.has('key')).toBe(true)
      expect([...(await cache.getMany(['key']))]).toEqual([['key', null]])
    })

    test('returns undefined or the fallback for a miss', async (cache) => {
      expect(await cache.get('key')).toBe(undefined)
      expect(await cache.get('key', { fallback: 'other' })).toBe('other')
      expect(await cache.get('key', { fallback: null, sliding: 60 })).toBe(null)
    })

    test('refuses a value that JSON cannot represent, and keeps the older value', async (cache) => {
      const cycle: Record<string, unknown> = {}
      cycle.self = cycle
      await cache.set('key', 'older')
      const bad = [
        ...[undefined, () => 1, Symbol('s'), 1n, Number.NaN, Number.POSITIVE_INFINITY, cycle, { deep: 1n }],
        ...[new Date(Number.NaN), { at: new Date(Number.NaN) }, Promise.resolve(1), { late: Promise.resolve(1) }],
        ...[lazyQuery(), { late: lazyQuery() }],
      ]
      for (const value of bad) {
        await rejectsWith(cache.set('key', value), 'UNSERIALIZABLE_VALUE')
        await rejectsWith(cache.add('key', value), 'UNSERIALIZABLE_VALUE')
        await rejectsWith(
          cache.setMany([
            ['good', 1],
            ['key', value],
          ]),
          'UNSERIALIZABLE_VALUE',
        )
      }
      expect(await cache.get('key')).toBe('older')
      expect(await cache.has('good')).toBe(false)
    })

    it('refuses undefined and promises, even with a custom codec', async () => {
      await store.reset()
      const anything = { encode: (value: unknown) => `${JSON.stringify(value)}`, decode: (text: string) => text }
      const cache = await store.create({ codec: anything })
      const late = () => Promise.reject(new Error('late'))
      for (const make of [() => undefined, () => Promise.resolve(1), late, lazyQuery]) {
        await rejectsWith(cache.set('key', make()), 'UNSERIALIZABLE_VALUE')
        await rejectsWith(cache.add('key', make()), 'UNSERIALIZABLE_VALUE')
        await rejectsWith(cache.setMany({ key: make() }), 'UNSERIALIZABLE_VALUE')
        await rejectsWith(cache.entry('key').set(make()), 'UNSERIALIZABLE_VALUE')
      }
      expect(await cache.has('key')).toBe(false)
    })

    test('stores a value that JSON turns into a number as a number', async (cache) => {
      for (const value of [Object(5), { toJSON: () => 5 }]) {
        await cache.set('key', value)
        expect(await cache.get('key')).toBe(5)
        expect(await cache.increment('key')).toBe(6)
      }
      await cache.set('key', { toJSON: () => null })
      expect(await cache.get('key', { fallback: 'missing' })).toBe(null)
    })

    it('names the key of the entry that getMany cannot decode', async () => {
      await store.reset()
      const plain = await store.create()
      await plain.setMany({ good: 'text', bad: 'text' })
      const decode = (text: string, { key }: { key: string }) => {
        if (key === 'bad') throw new Error('not mine')
        return text
      }
      const reader = await store.create({ codec: { encode: String, decode } })
      const unread = await reader.getMany(['good', 'bad']).catch((reason: Error) => reason)
      expect(unread).toMatchObject({ code: 'UNREADABLE_VALUE', key: 'bad' })
      expect((unread as Error).message.includes('bad')).toBe(false)
    })

    test('does not change a stored value if the caller changes its object', async (cache) => {
      const value = { list: [1] }
      const written = cache.set('key', value)
      value.list.push(2)
      await written
      const first = await cache.get<typeof value>('key')
      first?.list.push(3)
      expect(await cache.get('key')).toEqual({ list: [1] })
      const [a, b] = await Promise.all([cache.get<typeof value>('key'), cache.get<typeof value>('key')])
      a?.list.push(4)
      expect(b).toEqual({ list: [1] })
    })

    it('refuses a value over maxValueBytes, counted in UTF-8', async () => {
      await store.reset()
      const cache = await store.create({ maxValueBytes: 12 })
      await cache.set('key', '1234567890')
      await rejectsWith(cache.set('key', '12345678901'), 'VALUE_TOO_LARGE')
      await rejectsWith(cache.set('key', 'ééééé1'), 'VALUE_TOO_LARGE')
      await rejectsWith(cache.setMany({ key: '12345678901' }), 'VALUE_TOO_LARGE')
      expect(await cache.get('key')).toBe('1234567890')
    })

    it('passes every value except top-level numbers and null to the codec, with its key', async () => {
      await store.reset()
      const seen: string[] = []
      const cache = await store.create({
        codec: {
          encode: async (value, { key }) => {
            seen.push(`encode ${key}`)
            return `${key}!${JSON.stringify(value)}`
          },
          decode: (text, { key }) => {
            seen.push(`decode ${key}`)
            return JSON.parse(text.slice(key.length + 1))
          },
        },
      })
      await cache.setMany({ text: ['x'], number: 5, nothing: null })
      expect(await cache.increment('number')).toBe(6)
      expect([...(await cache.getMany(['text', 'number', 'nothing'])).values()]).toEqual([['x'], 6, null])
      // A tiered store encodes once for each tier.
      expect([...new Set(seen)]).toEqual(['encode text', 'decode text'])
    })

    it('wraps an error of the codec without revealing the value', async () => {
      await store.reset()
      const failing = (what: string) => () => {
        throw new Error(`secret in ${what}`)
      }
      const writer = await store.create({ codec: { encode: failing('encode'), decode: failing('decode') } })
      const error = await writer.set('key', 'secret').catch((reason: Error) => reason)
      expect(error).toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
      const plain = await store.create()
      await plain.set('key', 'secret')
      const unread = await writer.get('key').catch((reason: Error) => reason)
      expect(unread).toMatchObject({ code: 'UNREADABLE_VALUE' })
      for (const shown of [error, unread] as Error[]) {
        expect(`${shown.stack}${(shown.cause as Error).stack}`.includes('secret')).toBe(false)
      }
    })
  })
}
