import type { Fill, GetOrSetOptions } from '../../cache.ts'
import { computeWith, pause } from './computations.ts'
import type { Suite } from './suite.ts'

/** `getOrSet`: one computation, stored for the next callers. */
export function computing({ describe, test, expect, rejectsWith, store }: Suite): void {
  describe('getOrSet', () => {
    test('computes a missing value, stores it, and returns it from then on', async (cache) => {
      let computed = 0
      const compute = async () => ({ n: ++computed })
      expect(await cache.getOrSet('key', compute)).toEqual({ n: 1 })
      expect(await cache.getOrSet('key', compute)).toEqual({ n: 1 })
      expect(await cache.get('key')).toEqual({ n: 1 })
      expect(computed).toBe(1)
    })

    test('accepts an async function, a function or a value, and null as a result', async (cache) => {
      expect(await cache.getOrSet('async', async () => 1)).toBe(1)
      expect(await cache.getOrSet('sync', () => 'two')).toBe('two')
      expect(await cache.getOrSet('value', [3])).toEqual([3])
      expect(await cache.getOrSet('null', () => null)).toBe(null)
      expect(await cache.getOrSet<unknown>('null', () => 'another')).toBe(null)
      expect(await cache.increment('async')).toBe(2)
    })

    test('stores with the given expiration and tags', async (cache) => {
      await cache.getOrSet('minute', 1, { expiration: 60 })
      await cache.getOrSet('tagged', 1, { tags: ['x'] })
      await cache.invalidate('x')
      expect(await cache.has('tagged')).toBe(false)
      await store.advance(50_000)
      expect(await cache.has('minute')).toBe(true)
      await store.advance(10_000)
      expect(await cache.has('minute')).toBe(false)
    })

    test('leaves no value, not even an older one, if the deadline is not in the future', async (cache) => {
      for (const expiration of [0, -1, new Date(0)]) {
        await cache.set('key', 'older', { expiration: 60 })
        await store.advance(60_000)
        expect(await cache.getOrSet('key', 'newer', { expiration, stale: 3_600 })).toBe('newer')
        expect(await cache.getOrSet('key', () => 'again', { expiration, stale: 3_600 })).toBe('again')
        await cache.set('live', 1)
        expect(await cache.getOrSet('live', 2, { expiration })).toBe(1)
        expect(await cache.get('live')).toBe(1)
      }
    })

    test('is scoped to its namespace', async (cache) => {
      await cache.namespace('a').getOrSet('key', 1)
      expect(await cache.namespace('b').getOrSet('key', 2)).toBe(2)
      expect(await cache.getOrSet('key', 3)).toBe(3)
    })

    test('refuses invalid input before it computes', async (cache) => {
      const wrong: [unknown, string][] = [
        [{ lease: 0 }, 'INVALID_EXPIRATION'],
        [{ lease: new Date() }, 'INVALID_EXPIRATION'],
        [{ stale: new Date() }, 'INVALID_EXPIRATION'],
        [{ stale: 'soon' }, 'INVALID_EXPIRATION'],
        [{ expiration: Number.NaN }, 'INVALID_EXPIRATION'],
        [{ sliding: true }, 'INVALID_EXPIRATION'],
        [{ sliding: true, expiration: new Date(Date.UTC(2999, 0)) }, 'INVALID_EXPIRATION'],
        [{ sliding: '1m' }, 'INVALID_OPTION'],
        [{ maxAge: null }, 'INVALID_EXPIRATION'],
        [{ beta: -1 }, 'INVALID_OPTION'],
        [{ beta: Number.NaN }, 'INVALID_OPTION'],
        [{ tags: [''] }, 'INVALID_KEY'],
        [{ asOf: 'now' }, 'INVALID_OPTION'],
        [{ signal: {} }, 'INVALID_OPTION'],
        [{ waitUntil: {} }, 'INVALID_OPTION'],
        [{ ttl: 60 }, 'INVALID_OPTION'],
      ]
      const compute = () => {
        throw new Error('computed')
      }
      for (const [options, code] of wrong)
        await rejectsWith(cache.getOrSet('key', compute, options as GetOrSetOptions), code)
      await rejectsWith(cache.getOrSet('', compute), 'INVALID_KEY')
    })

    test('refuses a value that cannot be stored, so the next caller computes', async (cache) => {
      await rejectsWith(
        cache.getOrSet('key', () => undefined),
        'UNSERIALIZABLE_VALUE',
      )
      await rejectsWith(cache.getOrSet('key', 1n as unknown as number), 'UNSERIALIZABLE_VALUE')
      await rejectsWith(
        cache.getOrSet('key', () => Number.NaN),
        'UNSERIALIZABLE_VALUE',
      )
      expect(await cache.getOrSet('key', 1)).toBe(1)
    })
  })

  describe('a computation', () => {
    test('gets its key, and can set expiration and tags', async (cache) => {
      const scoped = cache.namespace('app')
      await scoped.getOrSet(
        'key',
        (fill) => {
          expect(fill.key).toBe('key')
          expect(fill.signal.aborted).toBe(false)
          fill.expireIn('1m')
          fill.tag('x', 'y')
          return 1
        },
        { expiration: '1h', tags: ['z'] },
      )
      await store.advance(50_000)
      expect(await scoped.has('key')).toBe(true)
      for (const tag of ['x', 'y', 'z']) {
        await scoped.delete('key')
        await scoped.getOrSet(
          'key',
          computeWith((fill) => fill.tag('x', 'y'), 1),
          { tags: ['z'] },
        )
        await cache.invalidate(tag)
        expect(await scoped.has('key')).toBe(false)
      }
      await scoped.getOrSet(
        'minute',
        computeWith((fill) => fill.expireIn('1m'), 1),
        { expiration: '1h' },
      )
      await store.advance(60_000)
      expect(await scoped.has('minute')).toBe(false)
    })

    test('returns but does not store its value if it skips', async (cache) => {
      const thing = { any: () => 'thing' }
      const answer = await cache.getOrSet<typeof thing, typeof thing>(
        'key',
        computeWith((fill) => fill.skip(), thing),
      )
      expect(answer.any()).toBe('thing')
      expect(await cache.has('key')).toBe(false)
      expect(await cache.getOrSet('key', 1)).toBe(1)
    })

    test('fails if it sets an invalid expiration or tag', async (cache) => {
      await rejectsWith(
        cache.getOrSet(
          'key',
          computeWith((fill) => fill.expireIn('soon' as '1m'), 1),
        ),
        'INVALID_EXPIRATION',
      )
      await rejectsWith(
        cache.getOrSet(
          'key',
          computeWith((fill) => fill.tag(''), 1),
        ),
        'INVALID_KEY',
      )
      await rejectsWith(
        cache.getOrSet(
          'key',
          computeWith((fill) => fill.expireIn(null), 1),
          { sliding: true, expiration: 60 },
        ),
        'INVALID_EXPIRATION',
      )
      expect(await cache.has('key')).toBe(false)
    })

    test('stores nothing if it throws, so the next caller computes', async (cache) => {
      const failure = new Error('The origin failed.')
      const failing: (() => never)[] = [
        () => {
          throw failure
        },
        (() => Promise.reject(failure)) as () => never,
      ]
      for (const compute of failing) {
        const caught = await cache.getOrSet('key', compute).catch((error: unknown) => error)
        expect(caught).toBe(failure)
        expect(await cache.has('key')).toBe(false)
      }
      expect(await cache.getOrSet('key', 'fine')).toBe('fine')
    })

    test('can contain computations of other keys', async (cache) => {
      const sum = await cache.getOrSet('sum', async () => {
        const parts = await Promise.all(['a', 'b'].map((key, i) => cache.getOrSet(key, async () => i + 1)))
        return (parts[0] ?? 0) + (parts[1] ?? 0) + (await cache.getOrSet('a', 100))
      })
      expect(sum).toBe(4)
      expect([...(await cache.getMany(['sum', 'a', 'b'])).values()]).toEqual([4, 1, 2])
    })

    test('can contain a computation of the same key', async (cache) => {
      const outer = await cache.getOrSet('key', () => cache.getOrSet('key', () => 'inner'))
      expect(outer).toBe('inner')
      expect(await cache.get('key')).toBe('inner')
    })

    test('runs once for concurrent callers, and gives each a separate copy', async (cache) => {
      let computed = 0
      const compute = async () => {
        computed++
        await pause(20)
        return { list: [1] }
      }
      const values = await Promise.all(Array.from({ length: 20 }, () => cache.getOrSet('key', compute)))
      expect(computed).toBe(1)
      for (const value of values) {
        expect(value).toEqual({ list: [1] })
        value.list.push(2)
      }
      expect(await cache.get('key')).toEqual({ list: [1] })
    })

    test('fails only its own caller if it throws', async (cache) => {
      let failed = 0
      const failing = () => {
        failed++
        throw new Error('This computation failed.')
      }
      const results = await Promise.allSettled([
        cache.getOrSet('key', failing),
        ...Array.from({ length: 5 }, () => cache.getOrSet('key', async () => 'fine')),
      ])
      expect(failed).toBe(1)
      expect(results.map(({ status }) => status)).toEqual(['rejected', ...Array(5).fill('fulfilled')])
    })

    test('is not shared if it skips', async (cache) => {
      let computed = 0
      const compute = async (fill: Fill) => {
        fill.skip()
        await pause(5)
        return ++computed
      }
      const values = await Promise.all(Array.from({ length: 5 }, () => cache.getOrSet('key', compute)))
      expect(values.sort()).toEqual([1, 2, 3, 4, 5])
    })

    test('ends for a caller whose signal aborts, and continues for others', async (cache) => {
      const controller = new AbortController()
      let seen: AbortSignal | undefined
      const first = cache.getOrSet(
        'key',
        (fill) => {
          seen = fill.signal
          return new Promise<string>((_, reject) =>
            fill.signal.addEventListener('abort', () => reject(new Error('cut'))),
          )
        },
        { signal: controller.signal },
      )
      const second = cache.getOrSet('key', async () => 'of another')
      while (seen === undefined) await pause(1)
      controller.abort(new Error('left'))
      expect(await first.catch((error: Error) => error.message)).toBe('left')
      expect(seen.aborted).toBe(true)
      expect(await second).toBe('of another')
      const late = cache.getOrSet('other', 1, { signal: controller.signal })
      expect(await late.catch((error: Error) => error.message)).toBe('left')
      expect(await cache.has('other')).toBe(false)
    })

    test('blocks no caller after its lease expired, and never replaces a newer value', async (cache) => {
      let end: (() => void) | undefined
      const compute = () => new Promise<string>((resolve) => (end = () => resolve('slow')))
      const slow = cache.getOrSet('key', compute, { lease: '50ms' })
      while (end === undefined) await pause(1)
      expect(await cache.getOrSet('key', async () => 'quick', { lease: '50ms' })).toBe('quick')
      end()
      expect(await slow).toBe('slow')
      const stored = await cache.get('key')
      expect(stored === 'quick' || stored === undefined).toBe(true)
    })
  })
}
