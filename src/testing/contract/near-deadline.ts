import type { Cache } from '../../cache.ts'
import { pause } from './computations.ts'
import type { Suite } from './suite.ts'

/** `getOrSet` for an entry near or past its deadline. */
export function nearDeadline({ describe, test, it, expect, store }: Suite): void {
  describe('a value past its deadline', () => {
    const STALE = { expiration: 60, stale: 60 } as const
    const failing = () => Promise.reject(new Error('The origin failed.'))

    test('is absent for other methods, but cleanup keeps it while it may be served', async (cache) => {
      await cache.getOrSet('key', 'old', STALE)
      await store.advance(60_000)
      expect(await cache.get('key')).toBe(undefined)
      expect(await cache.has('key')).toBe(false)
      expect(await cache.count()).toBe(0)
      await cache.clearExpired()
      expect(await cache.getOrSet('key', failing, STALE)).toBe('old')
      await store.advance(60_000)
      expect((await cache.clearExpired()).removed).toBe(1)
    })

    test('is served if the computation fails, within the stale windows of entry and reader', async (cache) => {
      await cache.getOrSet('key', 'old', STALE)
      await store.advance(60_000)
      expect(await cache.getOrSet('key', failing, STALE)).toBe('old')
      expect(await cache.getOrSet<string>('key', failing, STALE)).toBe('old')
      await expect(cache.getOrSet('key', failing)).rejects.toMatchObject({ message: 'The origin failed.' })
      await store.advance(30_000)
      await expect(cache.getOrSet('key', failing, { stale: 20 })).rejects.toMatchObject({
        message: 'The origin failed.',
      })
      expect(await cache.getOrSet('key', failing, { stale: null })).toBe('old')
      await store.advance(30_000)
      await expect(cache.getOrSet('key', failing, STALE)).rejects.toMatchObject({ message: 'The origin failed.' })
    })

    test('is kept without limit with `stale: null`', async (cache) => {
      await cache.getOrSet('key', 'old', { expiration: 60, stale: null })
      await store.advance(365 * 86_400_000)
      await cache.clearExpired()
      expect(await cache.getOrSet('key', failing, { stale: null })).toBe('old')
      await cache.touch('key', 60)
      expect(await cache.delete('key')).toBe(false)
      await expect(cache.getOrSet('key', failing, { stale: null })).rejects.toMatchObject({
        message: 'The origin failed.',
      })
    })

    test('is never served after it was deleted, cleared, replaced, invalidated or expired by touch', async (cache) => {
      const changes: ((cache: Cache) => Promise<unknown>)[] = [
        () => cache.delete('key'),
        () => cache.pull('key'),
        () => cache.clear(),
        () => cache.invalidate('tag'),
        () => cache.set('key', 'newer', { expiration: 0 }),
      ]
      for (const change of changes) {
        await cache.getOrSet('key', 'old', { ...STALE, tags: ['tag'] })
        await store.advance(60_000)
        await change(cache)
        await expect(cache.getOrSet('key', failing, STALE)).rejects.toMatchObject({ message: 'The origin failed.' })
      }
      await cache.getOrSet('key', 'old', STALE)
      await cache.touch('key', 0)
      await expect(cache.getOrSet('key', failing, STALE)).rejects.toMatchObject({ message: 'The origin failed.' })
    })

    test('is not served for a failure if its stale window ended during the refresh', async (cache) => {
      await cache.getOrSet('key', 'old', { expiration: 60, stale: '200ms' })
      await store.advance(60_000)
      // On a slow machine, the window may end even before the call. The call rejects then too.
      const late = () => pause(250).then(failing)
      const answer = cache.getOrSet('key', late, { expiration: 60, stale: '200ms' })
      await expect(answer).rejects.toMatchObject({ message: 'The origin failed.' })
    })

    test('is served at once to every caller except the one that refreshes it', async (cache) => {
      await cache.getOrSet('key', 'old', STALE)
      await store.advance(60_000)
      let end = () => {}
      let computed = 0
      const slow = () => {
        computed++
        return new Promise<string>((resolve) => (end = () => resolve('new')))
      }
      const refreshing = cache.getOrSet('key', slow, STALE)
      while (computed === 0) await pause(1)
      const others = await Promise.all(Array.from({ length: 5 }, () => cache.getOrSet('key', slow, STALE)))
      expect(others).toEqual(Array(5).fill('old'))
      end()
      expect(await refreshing).toBe('new')
      expect(computed).toBe(1)
      expect(await cache.getOrSet('key', slow, STALE)).toBe('new')
    })

    it('is served at once to every caller if waitUntil refreshes it in the background', async () => {
      await store.reset()
      const background: Promise<unknown>[] = []
      const cache = await store.create({ waitUntil: (work) => background.push(work) })
      await cache.getOrSet('key', 'old', STALE)
      await store.advance(60_000)
      let computed = 0
      let answered = () => {}
      const allAreAnswered = new Promise<void>((resolve) => (answered = resolve))
      const compute = async () => {
        await allAreAnswered
        return `new ${++computed}`
      }
      const values = await Promise.all(Array.from({ length: 5 }, () => cache.getOrSet('key', compute, STALE)))
      expect(values).toEqual(Array(5).fill('old'))
      answered()
      await Promise.all(background)
      expect(computed).toBe(1)
      expect(await cache.getOrSet('key', compute, STALE)).toBe('new 1')
      await store.advance(60_000)
      expect(await cache.getOrSet('key', failing, STALE)).toBe('new 1')
      await Promise.all(background)
      expect(await cache.getOrSet('key', failing, STALE)).toBe('new 1')
      await Promise.all(background)
    })

    it("is refreshed under the call's own waitUntil, if it has one", async () => {
      await store.reset()
      const cacheWork: Promise<unknown>[] = []
      const callWork: Promise<unknown>[] = []
      const cache = await store.create({ waitUntil: (work) => cacheWork.push(work) })
      await cache.getOrSet('key', 'old', STALE)
      await Promise.all(cacheWork.splice(0))
      await store.advance(60_000)
      const waitUntil = (work: Promise<unknown>) => callWork.push(work)
      expect(await cache.getOrSet('key', 'new', { ...STALE, waitUntil })).toBe('old')
      expect(cacheWork.length).toBe(0)
      await Promise.all(callWork)
      expect(await cache.getOrSet('key', 'newer', STALE)).toBe('new')
    })
  })

  describe('a sliding fill', () => {
    const SLIDING = { expiration: 60, sliding: true } as const

    test('stays live for at least its span after each read', async (cache) => {
      await cache.getOrSet('key', 'value', SLIDING)
      for (let i = 0; i < 5; i++) {
        await store.advance(50_000)
        expect(await cache.getOrSet('key', 'another', SLIDING)).toBe('value')
      }
      await store.advance(76_000)
      expect(await cache.getOrSet('key', 'another', SLIDING)).toBe('another')
    })

    test('includes its slack, so that early hits need no write', async (cache) => {
      await cache.getOrSet('key', 'value', SLIDING)
      await store.advance(2_000)
      const before = await cache.expiration('key')
      await cache.getOrSet('key', 'value', SLIDING)
      expect(await cache.expiration('key')).toEqual(before)
    })

    test('expires after maxAge, even if it is hit', async (cache) => {
      const options = { ...SLIDING, maxAge: 150 }
      await cache.getOrSet('key', 'value', options)
      await store.advance(50_000)
      expect(await cache.getOrSet('key', 'another', options)).toBe('value')
      await store.advance(50_000)
      expect(await cache.getOrSet('key', 'another', options)).toBe('value')
      await store.advance(40_000)
      expect(await cache.getOrSet('key', 'another', options)).toBe('value')
      await store.advance(10_000)
      expect(await cache.getOrSet('key', 'another', options)).toBe('another')
      await cache.getOrSet('short', 'value', { expiration: 60, maxAge: 10 })
      await store.advance(10_000)
      expect(await cache.has('short')).toBe(false)
    })

    test('leaves a permanent entry permanent', async (cache) => {
      await cache.set('key', 'value')
      expect(await cache.getOrSet('key', 'another', SLIDING)).toBe('value')
      expect(await cache.expiration('key')).toBe(null)
    })
  })

  describe('beta', () => {
    it('refreshes a live entry early only if the random draw selects it', async () => {
      await store.reset()
      let draw = 0
      const cache = await store.create({ random: () => draw })
      let computed = 0
      const compute = async () => {
        await pause(400)
        return ++computed
      }
      const options = { expiration: 60, beta: 1 }
      await cache.getOrSet('key', compute, options)
      await store.advance(48_000)
      expect(await cache.getOrSet('key', compute, options)).toBe(1)
      // −ln(1 − draw) = 34.5. The entry took 400 ms to compute, so it is refreshed during its last 13.8 seconds. Twelve
      // seconds are left.
      draw = 1 - 1e-15
      expect(await cache.getOrSet('key', compute, { expiration: 60 })).toBe(1)
      // Use a day, because even on a slow machine it is longer than 34 times the computation.
      const longer = { ...options, expiration: '1d' } as const
      expect(await cache.getOrSet('key', compute, longer)).toBe(2)
      expect(await cache.getOrSet('key', compute, longer)).toBe(2)
      await cache.set('written', 'value', { expiration: 12 })
      expect(await cache.getOrSet('written', compute, options)).toBe('value')
    })

    it('returns the live value if an early refresh fails', async () => {
      await store.reset()
      const cache = await store.create({ random: () => 1 - 1e-15 })
      const slow = () => pause(400).then(() => 'old')
      await cache.getOrSet('key', slow, { expiration: 60 })
      await store.advance(48_000)
      const failing = () => Promise.reject(new Error('The origin failed.'))
      expect(await cache.getOrSet('key', failing, { beta: 1 })).toBe('old')
    })
  })
}
