import type { Cache, Fill, GetOrSetOptions } from '../../cache.ts'
import { devalueCodec } from '../../codecs/devalue-codec.ts'
import { computeWith, pause } from './computations.ts'
import type { Suite } from './suite.ts'

const AT = new Date(Date.UTC(2026, 0, 1))
const RICH = () => ({ at: AT, list: [undefined, Number.NaN], gone: undefined, toJSON: undefined, n: 1 })
/** The same value after a round trip through JSON. */
const PLAIN = { at: '2026-01-01T00:00:00.000Z', list: [null, null], n: 1 }

/** The form of a value must not show whether it was computed or stored. */
export function sameForm({ describe, it, test, expect, rejectsWith, store }: Suite): void {
  const expectPlain = (value: unknown) => {
    expect(value).toEqual(PLAIN)
    // Compare the keys too, because `toEqual` treats an undefined field like a missing one.
    expect(Object.keys(Object(value))).toEqual(['at', 'list', 'n'])
  }

  describe('the form of a value', () => {
    test('is the same on a miss, on a hit, for every waiter, and for entry().set', async (cache) => {
      const slow = () => pause(50).then(RICH)
      const others = Promise.all([cache.getOrSet('key', slow), cache.getOrSet('key', slow)])
      for (const value of [await cache.getOrSet('key', slow), ...(await others)]) expectPlain(value)
      expectPlain(await cache.getOrSet('key', RICH))
      expectPlain(await cache.get('key'))
      expectPlain(await cache.getOrSet('value', RICH()))
      const entry = cache.entry<unknown>('entry')
      expectPlain(await entry.set(RICH()))
      expectPlain(await entry.value())
      expectPlain(await cache.pull('entry'))
    })

    const unstored: Record<string, [GetOrSetOptions, (cache: Cache, fill: Fill) => unknown]> = {
      'that the computation skips': [{}, (_, fill) => fill.skip()],
      'that a write overtakes': [{ lease: '1h' }, (cache) => cache.delete('key')],
      'that expires at once': [{ expiration: 0 }, () => {}],
      'that outlasts its lease': [{ lease: '20ms' }, () => pause(60)],
    }
    for (const [name, [options, duringCompute]] of Object.entries(unstored)) {
      test(`is the same for a value ${name}`, async (cache) => {
        const compute = async (fill: Fill) => {
          await duringCompute(cache, fill)
          return RICH()
        }
        expectPlain(await cache.getOrSet('key', compute, options))
      })
    }

    test('is the same for early refreshes, stale refreshes and fills with a snapshot', async (cache) => {
      const options = { expiration: 60, stale: 3_600, tags: ['tag'] } as const
      expectPlain(await cache.getOrSet('key', RICH, { ...options, asOf: await cache.snapshot() }))
      await store.advance(60_000)
      expectPlain(await cache.getOrSet('key', RICH, options))
      expectPlain(await cache.getOrSet('key', RICH, { ...options, beta: 1_000 }))
    })

    test('is a separate copy for each caller, and not the computed object', async (cache) => {
      const computed = { list: [1] }
      const [first, second] = await Promise.all([
        cache.getOrSet('key', async () => computed),
        cache.getOrSet('key', async () => computed),
      ])
      first.list.push(2)
      computed.list.push(3)
      expect(second).toEqual({ list: [1] })
      expect(await cache.get('key')).toEqual({ list: [1] })
    })

    it('is the form that the codec decodes, if it keeps more than JSON', async () => {
      await store.reset()
      const cache = await store.create({ codec: devalueCodec })
      const value = { at: AT, map: new Map([['a', new Set([1n])]]), none: undefined }
      type Value = typeof value
      for (let i = 0; i < 2; i++) expect(await cache.getOrSet<Value, Value>('key', async () => value)).toEqual(value)
      expect(await cache.entry<Value>('entry').set(value)).toEqual(value)
      expect(await cache.get('entry')).toEqual(value)
    })

    it('costs one encode, and one decode per caller', async () => {
      await store.reset()
      let [encoded, decoded] = [0, 0]
      const cache = await store.create({
        codec: {
          encode: (value) => {
            encoded++
            return JSON.stringify(value)
          },
          decode: (text) => {
            decoded++
            return JSON.parse(text)
          },
        },
      })
      await cache.getOrSet('key', () => ['value'])
      const [encodedOnce, decodedOnce] = [encoded, decoded]
      await cache.getOrSet('other key', () => ['value'])
      // A tiered store encodes once for each tier.
      expect([encoded, decoded]).toEqual([2 * encodedOnce, 2 * decodedOnce])
      expect(decodedOnce).toBeLessThanOrEqual(encodedOnce)
    })

    it('is the computed form if the codec cannot decode it, or refuses a skipped value', async () => {
      await store.reset()
      const decode = () => {
        throw new Error('The codec failed.')
      }
      const broken = await store.create({ codec: { encode: () => 'text', decode } })
      for (let i = 0; i < 2; i++) expect(await broken.getOrSet('key', () => ['value'])).toEqual(['value'])
      const cache = await store.create()
      const map = new Map([['a', 1]])
      const skipped = computeWith((fill) => fill.skip(), map)
      expect(await cache.getOrSet<typeof map, typeof map>('skipped', skipped)).toBe(map)
    })
  })

  describe('a value that JSON would turn into {}', () => {
    class Account {
      readonly #balance = 5
      get balance(): number {
        return this.#balance
      }
    }
    const lost: Record<string, unknown> = {
      'a Map': new Map([['secret', 1]]),
      'a Set': new Set(['secret']),
      'a WeakMap': new WeakMap(),
      'a RegExp': /secret/,
      'an Error': Object.assign(new Error('secret'), { code: 'SECRET' }),
      'a Promise': Promise.resolve('secret'),
      'a Uint16Array': new Uint16Array([1, 2]),
      'an ArrayBuffer': new ArrayBuffer(2),
      'a Response': new Response('secret'),
      'an instance of a class without fields': new Account(),
      'an object of nothing but functions and symbols': { secret: () => 'secret', other: Symbol('secret') },
      'an object with nothing but symbols as keys': { [Symbol('secret')]: 1 },
    }
    for (const [name, value] of Object.entries(lost)) {
      test(`is refused: ${name}`, async (cache) => {
        await cache.set('key', 'older')
        for (const nested of [value, [1, value], { secret: { secret: value } }, { toJSON: () => ({ value }) }]) {
          await rejectsWith(cache.set('key', nested), 'UNSERIALIZABLE_VALUE')
          await rejectsWith(cache.add('new', nested), 'UNSERIALIZABLE_VALUE')
          await rejectsWith(cache.setMany({ other: 1, key: nested }), 'UNSERIALIZABLE_VALUE')
          await rejectsWith(
            cache.getOrSet('computed', async () => [nested]),
            'UNSERIALIZABLE_VALUE',
          )
        }
        const error = await cache.set('key', [{ secret: value }]).catch((reason: Error) => reason)
        expect(String(error).includes(`got ${name} in an object in an array, whose content JSON would lose`)).toBe(true)
        expect(String(error).includes('ecret')).toBe(false)
        expect(await cache.get('key')).toBe('older')
        expect(await cache.count()).toBe(1)
      })
    }
  })
}
