import type { Cache } from '../../cache.ts'
import type { Suite } from './suite.ts'

export function namespaces({ describe, it, test, expect, store, refused }: Suite): void {
  describe('namespaces', () => {
    test('keep the same key apart, however separators are placed', async (cache) => {
      const places: [Cache, string][] = [
        [cache, 'a|b|k'],
        [cache, 'a:b:k'],
        [cache.namespace('a'), 'b|k'],
        [cache.namespace('a|b'), 'k'],
        [cache.namespace('a').namespace('b'), 'k'],
        [cache.namespace('a'), 'b:k'],
        [cache.namespace('a:b'), 'k'],
        [cache.namespace('a\\'), 'b|k'],
        [cache.namespace('a\\|b'), 'k'],
      ]
      for (const [i, [place, key]] of places.entries()) await place.set(key, i)
      for (const [i, [place, key]] of places.entries()) expect(await place.get(key)).toBe(i)
      expect(await cache.count()).toBe(places.length)
    })

    for (const [one, other] of [
      ['a', 'ab'],
      ['n_', 'nx'],
      ['n%', 'nx'],
      ['a', 'a|'],
      ['a', 'A'],
      ['a', 'é'],
    ] as const) {
      test(`clear, count, stats, list and clearExpired of ${one} leave ${other} alone`, async (cache) => {
        const [inside, outside] = [cache.namespace(one), cache.namespace(other)]
        for (const place of [cache, inside, inside.namespace('nested'), outside]) {
          await place.setMany({ x: 1, y: 2 })
          await place.set('expired', 1, { expiration: 0 })
        }
        expect(await inside.count()).toBe(4)
        expect(await inside.stats()).toMatchObject({ total: 6, expired: 2, forever: 4, unexpired: 0 })
        expect((await inside.list()).entries.map(({ key, namespace }) => [...namespace, key].join())).toEqual([
          'expired',
          'nested,expired',
          'nested,x',
          'nested,y',
          'x',
          'y',
        ])
        expect(await inside.clearExpired()).toEqual({ removed: 2, more: false })
        expect(await inside.clear()).toBe(4)
        expect(await inside.clear()).toBe(0)
        expect(await outside.stats()).toMatchObject({ total: 3, expired: 1 })
        expect(await cache.clear()).toBe(6)
        expect(await cache.count()).toBe(0)
      })
    }

    it('may be an option of the cache', async () => {
      await store.reset()
      const scoped = await store.create({ namespace: 'app' })
      await scoped.set('key', 1)
      expect(await (await store.create()).namespace('app').get('key')).toBe(1)
      expect(await (await store.create()).get('key')).toBe(undefined)
    })

    test('are at most 128 bytes, those they are nested in included', async (cache) => {
      const name = 'é'.repeat(64)
      const deep = cache.namespace(name)
      await deep.set('x'.repeat(600), 1)
      expect(await deep.clear()).toBe(1)
      const attempt = async (make: () => unknown) => make()
      await refused(
        attempt(() => deep.namespace('x')),
        'INVALID_KEY',
      )
      await refused(
        attempt(() => cache.namespace(`${name}x`)),
        'INVALID_KEY',
      )
      for (const bad of ['', 'a\0', '\ud800', 5] as string[])
        await refused(
          attempt(() => cache.namespace(bad)),
          'INVALID_KEY',
        )
    })
  })
}
