import type { Cache } from '../../cache.ts'
import type { Suite } from './suite.ts'

/** Changes of a key while its value is computed. */
export function concurrentChanges({ describe, test, expect, store }: Suite): void {
  describe('a value computed while its key changes is returned but not stored', () => {
    const changes: Record<string, (cache: Cache) => Promise<unknown>> = {
      set: (cache) => cache.set('key', 'written'),
      'set with a past deadline': (cache) => cache.set('key', 'written', { expiration: 0 }),
      setMany: (cache) => cache.setMany({ key: 'written', other: 1 }),
      add: (cache) => cache.add('key', 'written'),
      increment: (cache) => cache.increment('key'),
      limit: (cache) => cache.limit('key', { limit: 5, period: 60 }),
      delete: (cache) => cache.delete('key'),
      deleteMany: (cache) => cache.deleteMany(['another', 'key']),
      pull: (cache) => cache.pull('key'),
      clear: (cache) => cache.clear(),
      invalidate: (cache) => cache.invalidate('tag'),
      'set, expiry and cleanup': async (cache) => {
        await cache.set('key', 'written', { expiration: 60 })
        await store.advance(60_000)
        await cache.clearExpired()
      },
      'set, then touch with a past deadline': async (cache) => {
        await cache.set('key', 'written')
        await cache.touch('key', 0)
      },
    }
    for (const [name, change] of Object.entries(changes)) {
      test(name, async (cache) => {
        // The lease must outlive the time that passes in the test.
        const options = { tags: ['tag'], lease: '1h' } as const
        const computed = await cache.getOrSet(
          'key',
          async () => {
            await change(cache)
            return 'computed'
          },
          options,
        )
        expect(computed).toBe('computed')
        expect(await cache.get('key')).not.toBe('computed')
        await cache.delete('key')
        expect(await cache.getOrSet('key', 'next', options)).toBe('next')
        expect(await cache.get('key')).toBe('next')
      })
    }

    test('is stored if only another key or another tag changes', async (cache) => {
      await cache.getOrSet(
        'key',
        async () => {
          await cache.setMany({ other: 1, 'key 2': 2 })
          await cache.delete('other')
          await cache.invalidate('other')
          await cache.namespace('key').clear()
          await cache.touch('key', 60)
          return 'computed'
        },
        { tags: ['tag'] },
      )
      expect(await cache.get('key')).toBe('computed')
    })

    test('is not returned to a caller that comes after the change', async (cache) => {
      let end = () => {}
      let hasBegun = () => {}
      const begun = new Promise<void>((resolve) => (hasBegun = resolve))
      const older = cache.getOrSet('key', () => {
        hasBegun()
        return new Promise<string>((resolve) => (end = () => resolve('older')))
      })
      await begun
      await cache.delete('key')
      expect(await cache.getOrSet('key', async () => 'newer')).toBe('newer')
      end()
      expect(await older).toBe('older')
      expect(await cache.get('key')).toBe('newer')
    })
  })
}
