import type { Cache } from '../../cache.ts'
import type { Suite } from './suite.ts'

export function namespaces({ describe, it, test, expect, store, rejectsWith }: Suite): void {
  describe('namespaces', () => {
    test('separate equal keys, even if names contain separators', async (cache) => {
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
      test(`clear, count, stats, list and clearExpired of ${one} do not affect ${other}`, async (cache) => {
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

    test('are cleared by a prefix, which is case-sensitive and not a pattern', async (cache) => {
      const app = cache.namespace('app')
      const kept = ['users', 'users2:a', 'Users:a', 'u_ers:a', 'u%:a', 'a:users:b', 'a|users:b']
      for (const place of [cache, app]) {
        await place.setMany([...kept, 'users:a', 'users:a:b', 'users:', 'us|rs'].map((key) => [key, key] as const))
        await place.set('users:expired', 1, { expiration: 0 })
      }
      expect(await app.clear({ prefix: 'users:' })).toBe(4)
      for (const prefix of ['u_e', 'us|', 'us%']) expect(await app.clear({ prefix })).toBe(prefix === 'us%' ? 0 : 1)
      const left = kept.filter((key) => key !== 'u_ers:a')
      expect([...(await app.getMany([...kept, 'users:a', 'us|rs'])).keys()]).toEqual(left)
      expect(await cache.count()).toBe(left.length + kept.length + 4)
    })

    test('refuse an empty or missing prefix, because it would clear everything', async (cache) => {
      await cache.set('key', 1)
      for (const prefix of ['', undefined, null, 5, 'a\0', '\ud800']) {
        await rejectsWith(cache.clear({ prefix: prefix as string }), 'INVALID_KEY')
      }
      await rejectsWith(cache.clear({} as never), 'INVALID_KEY')
      for (const options of [null, 'key', ['key'], { prefixes: 'key' }]) {
        await rejectsWith(cache.clear(options as never), 'INVALID_OPTION')
      }
      expect(await cache.get('key')).toBe(1)
    })

    it('can be an option of the cache', async () => {
      await store.reset()
      const scoped = await store.create({ namespace: 'app' })
      await scoped.set('key', 1)
      expect(await (await store.create()).namespace('app').get('key')).toBe(1)
      expect(await (await store.create()).get('key')).toBe(undefined)
    })

    test('separate versions from each other and from every name', async (cache) => {
      const places: Cache[] = [
        cache.namespace('app'),
        cache.namespace('app', { version: 1 }),
        cache.namespace('app', { version: '2|' }),
        cache.namespace('app').namespace('@1'),
        cache.namespace('app').namespace('\\@1'),
        cache.namespace('app|\\@1'),
        cache.namespace('app@1'),
        cache.namespace('app', { version: 1 }).namespace('1'),
      ]
      for (const [i, place] of places.entries()) await place.set('key', i)
      for (const [i, place] of places.entries()) expect(await place.get('key')).toBe(i)
      expect(await cache.namespace('app', { version: '1' }).get('key')).toBe(1)
      expect((await cache.namespace('app', { version: 1 }).list()).entries.length).toBe(2)
    })

    test('cover all of their versions, and a version covers only itself', async (cache) => {
      const app = cache.namespace('app')
      const [older, newer] = [cache.namespace('app', { version: 1 }), cache.namespace('app', { version: 2 })]
      await older.set('key', 'old', { expiration: 60 })
      await newer.set('key', 'new')
      await store.advance(60_000)
      expect((await app.list()).entries.map(({ namespace }) => namespace)).toEqual([['@1'], ['@2']])
      expect(await newer.clearExpired()).toEqual({ removed: 0, more: false })
      expect(await app.clearExpired()).toEqual({ removed: 1, more: false })
      expect(await older.clear()).toBe(0)
      expect(await newer.get('key')).toBe('new')
    })

    test('refuse invalid versions', async (cache) => {
      const attempt = async (version: unknown) => cache.namespace('app', { version: version as string })
      for (const version of ['', 'a\0', null, {}]) await rejectsWith(attempt(version), 'INVALID_KEY')
      for (const version of [-1, 1.5, Number.NaN]) await rejectsWith(attempt(version), 'INVALID_OPTION')
      await rejectsWith(attempt('x'.repeat(125)), 'INVALID_KEY')
      const misspelt = async () => cache.namespace('app', { versoin: 1 } as object)
      await rejectsWith(misspelt(), 'INVALID_OPTION')
    })

    test('have at most 128 bytes, including the outer namespaces', async (cache) => {
      const name = 'é'.repeat(64)
      const deep = cache.namespace(name)
      await deep.set('x'.repeat(600), 1)
      expect(await deep.clear()).toBe(1)
      const attempt = async (make: () => unknown) => make()
      await rejectsWith(
        attempt(() => deep.namespace('x')),
        'INVALID_KEY',
      )
      await rejectsWith(
        attempt(() => cache.namespace(`${name}x`)),
        'INVALID_KEY',
      )
      for (const bad of ['', 'a\0', '\ud800', 5] as string[])
        await rejectsWith(
          attempt(() => cache.namespace(bad)),
          'INVALID_KEY',
        )
    })
  })
}
