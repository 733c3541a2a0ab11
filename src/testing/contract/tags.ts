import type { CacheSnapshot } from '../../cache.ts'
import type { Suite } from './suite.ts'

export function tags({ describe, test, expect, rejectsWith }: Suite): void {
  describe('tags', () => {
    test('make their entries absent for every method once invalidated', async (cache) => {
      await cache.setMany({ a: 1, b: 2 }, { tags: ['x', 'y'] })
      await cache.set('c', 3, { tags: ['y'] })
      await cache.set('untagged', 4)
      await cache.invalidate('x')
      expect([...(await cache.getMany(['a', 'b', 'c', 'untagged'])).keys()]).toEqual(['c', 'untagged'])
      expect(await cache.has('a')).toBe(false)
      expect(await cache.expiration('a')).toBe(undefined)
      expect(await cache.touch('a', 60)).toBe(false)
      expect(await cache.increment('b')).toBe(1)
      expect(await cache.pull('a')).toBe(undefined)
      expect(await cache.add('a', 5)).toBe(true)
      expect(await cache.get('a')).toBe(5)
    })

    test('do not affect entries written after the invalidation', async (cache) => {
      await cache.invalidate(['x'])
      await cache.set('key', 1, { tags: ['x'] })
      expect(await cache.get('key')).toBe(1)
    })

    test('are global across namespaces', async (cache) => {
      await cache.namespace('a').set('key', 1, { tags: ['x'] })
      await cache.namespace('b').invalidate('x')
      expect(await cache.namespace('a').get('key')).toBe(undefined)
    })

    test('reject a late write of data that is older than the invalidation', async (cache) => {
      const asOf = await cache.snapshot()
      await cache.invalidate('x')
      await cache.set('key', 'old data', { tags: ['x'], asOf })
      expect(await cache.get('key')).toBe(undefined)
      await cache.set('key', 'new data', { tags: ['x'], asOf: await cache.snapshot() })
      expect(await cache.get('key')).toBe('new data')
    })

    test('can be one string, several, duplicates or none', async (cache) => {
      await cache.set('key', 1, { tags: 'xyz' })
      await cache.invalidate(['x', 'y', 'z'])
      expect(await cache.get('key')).toBe(1)
      await cache.invalidate([])
      await cache.set('none', 1, { tags: [] })
      await cache.invalidate(['xyz', 'xyz'])
      expect(await cache.get('key')).toBe(undefined)
      await cache.set('long', 1, { tags: ['t'.repeat(2_000)] })
      await cache.invalidate('t'.repeat(2_000))
      expect(await cache.get('long')).toBe(undefined)
      expect(await cache.get('none')).toBe(1)
    })

    test('cannot be missing, or other types than strings', async (cache) => {
      for (const missing of [undefined, null, 5, {}, [undefined], ['']] as unknown as string[]) {
        await rejectsWith(cache.invalidate(missing), 'INVALID_KEY')
      }
    })

    test('refuse an invalid snapshot', async (cache) => {
      for (const asOf of ['', 'now', '1:2', 5, {}] as unknown as CacheSnapshot[]) {
        await rejectsWith(cache.set('key', 1, { tags: ['x'], asOf }), 'INVALID_OPTION')
      }
    })

    test('make cleanup remove and count invalidated entries', async (cache) => {
      await cache.setMany({ a: 1, b: 2 }, { tags: ['x'] })
      await cache.setMany({ c: 3 }, { tags: ['y'] })
      await cache.set('untagged', 4)
      await cache.invalidate('x')
      expect(await cache.clearExpired()).toEqual({ removed: 2, more: false })
      expect((await cache.stats()).total).toBe(2)
      expect(await cache.get('c')).toBe(3)
      expect(await cache.clearExpired()).toEqual({ removed: 0, more: false })
    })

    test('make cleanup remove invalidated entries only in its own namespace', async (cache) => {
      await cache.namespace('a').set('key', 1, { tags: ['x'] })
      await cache.namespace('b').set('key', 1, { tags: ['x'] })
      await cache.invalidate('x')
      expect(await cache.namespace('a').clearExpired()).toEqual({ removed: 1, more: false })
      expect((await cache.namespace('b').stats()).total).toBe(1)
    })

    test('reject data read before an invalidation, even after several cleanups', async (cache) => {
      const asOf = await cache.snapshot()
      const computed = await cache.getOrSet(
        'computed',
        async () => {
          await cache.invalidate('x')
          for (let i = 0; i < 3; i++) await cache.clearExpired()
          return 'old data'
        },
        { tags: ['x'] },
      )
      await cache.set('written', 'old data', { tags: ['x'], asOf })
      expect([computed, await cache.get('computed'), await cache.get('written')]).toEqual([
        'old data',
        undefined,
        undefined,
      ])
    })

    test('stay on a counter, which starts from 0 after an invalidation', async (cache) => {
      await cache.set('counter', 5, { tags: ['x'] })
      for (let i = 0; i < 3; i++) {
        await cache.invalidate('y')
        await cache.clearExpired()
        expect(await cache.increment('counter')).toBe(6 + i)
      }
      await cache.invalidate('x')
      expect(await cache.increment('counter')).toBe(1)
    })

    test('are replaced by each write of the entry', async (cache) => {
      await cache.set('key', 1, { tags: ['x'] })
      await cache.set('key', 2, { tags: ['y'] })
      await cache.invalidate('x')
      expect(await cache.get('key')).toBe(2)
      await cache.set('key', 3)
      await cache.invalidate('y')
      expect(await cache.get('key')).toBe(3)
    })
  })
}
