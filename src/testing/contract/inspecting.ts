import type { Cache } from '../../cache.ts'
import type { Suite } from './suite.ts'

export function inspecting({ describe, test, expect, rejectsWith, store }: Suite): void {
  describe('count and stats', () => {
    test('distinguish live, expired, permanent and invalidated entries', async (cache) => {
      await cache.setMany({ a: 1, b: 'x'.repeat(1_000) })
      await cache.setMany({ c: 1, d: 1 }, { expiration: 60 })
      await cache.set('e', 1, { expiration: 30 })
      await cache.set('f', 1, { tags: ['tag'] })
      await store.advance(30_000)
      await cache.invalidate('tag')
      expect(await cache.count()).toBe(4)
      const stats = await cache.stats()
      expect(stats).toMatchObject({ total: 6, expired: 2, unexpired: 2, forever: 2, estimated: false })
      expect(stats.bytes).toBeGreaterThan(20)
    })

    test('are zero for an empty cache', async (cache) => {
      expect(await cache.stats()).toEqual({
        total: 0,
        expired: 0,
        unexpired: 0,
        forever: 0,
        bytes: 0,
        estimated: false,
      })
      expect(await cache.list()).toEqual({ entries: [] })
    })
  })

  describe('exact counts and estimates', () => {
    test('agree for few entries, and report their progress', async (cache) => {
      await cache.setMany({ a: 1, b: 1, c: 1 }, { expiration: 60 })
      await cache.set('forever', 1)
      await cache.set('expired', 1, { expiration: 0 })
      await cache.namespace('nested').set('d', 1)
      expect(await cache.count({ estimate: true })).toBe(5)
      const progress: number[] = []
      const onProgress = (counted: number) => void progress.push(counted)
      expect(await cache.count({ onProgress })).toBe(5)
      const exact = await cache.stats({ exact: true, onProgress })
      expect(exact).toMatchObject({ total: 6, expired: 1, unexpired: 3, forever: 2, estimated: false })
      expect(exact).toEqual(await cache.stats())
      expect(progress.length).toBeGreaterThan(1)
      expect(progress.at(-1)).toBe(6)
    })

    test('do not start if their signal has aborted', async (cache) => {
      const reason = new Error('The caller has left.')
      const signal = AbortSignal.abort(reason)
      const outcomes = await Promise.allSettled([cache.count({ signal }), cache.stats({ exact: true, signal })])
      expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason === reason)).toEqual([
        true,
        true,
      ])
    })

    test('refuse invalid options', async (cache) => {
      for (const options of [{ estimate: 1 }, { onProgress: 5 }, { signal: 5 }, { exact: true }]) {
        await rejectsWith(cache.count(options as object), 'INVALID_OPTION')
      }
      const { signal } = new AbortController()
      await rejectsWith(cache.count({ estimate: true, signal }), 'INVALID_OPTION')
      for (const options of [{ exact: 1 }, { exact: true, onProgress: 5 }, { signal }, { estimate: true }]) {
        await rejectsWith(cache.stats(options as object), 'INVALID_OPTION')
      }
    })
  })

  describe('list', () => {
    test('finds rare entries after many others, if the caller follows the cursor', async (cache) => {
      const others = Array.from({ length: 5_100 }, (_, i) => [`other ${i}`, 1] as const)
      await cache.setMany(others, { expiration: 60 })
      await cache.namespace('nested').setMany(others)
      await cache.setMany({ 'zzz a': 1, 'zzz b': 1 })
      await cache.set('zzz expired', 1, { expiration: 0 })
      const found = async (options: { prefix?: string; state?: 'expired' | 'forever' }) => {
        const keys: string[] = []
        let cursor: string | undefined
        do {
          const page = await cache.list({ ...options, ...(cursor === undefined ? {} : { cursor }) })
          keys.push(...page.entries.map(({ key }) => key))
          cursor = page.cursor
        } while (cursor !== undefined)
        return keys
      }
      expect(await found({ state: 'expired' })).toEqual(['zzz expired'])
      expect((await found({ state: 'forever' })).slice(-2)).toEqual(['zzz a', 'zzz b'])
      expect(await found({ prefix: 'zz' })).toEqual(['zzz a', 'zzz b', 'zzz expired'])
      expect(await found({ prefix: 'n' })).toEqual([])
    })

    test('returns every entry once over all pages, in key order', async (cache) => {
      const names = Array.from({ length: 25 }, (_, i) => `key ${String(i).padStart(2, '0')}`)
      await cache.setMany(names.map((name) => [name, 1]))
      const seen: string[] = []
      let cursor: string | undefined
      let pages = 0
      do {
        const page = await cache.list({ limit: 10, ...(cursor === undefined ? {} : { cursor }) })
        seen.push(...page.entries.map((entry) => entry.key))
        cursor = page.cursor
        pages++
      } while (cursor !== undefined)
      expect(seen).toEqual(names)
      expect(pages).toBe(3)
    })

    test('returns the metadata of an entry, but not its value', async (cache) => {
      await cache.set('key', 'value', { expiration: 60, tags: ['b', 'a', 'quoted "tag", {x}'] })
      const [entry] = (await cache.list()).entries
      expect(entry?.expiresAt?.getTime()).toBe((await cache.expiration('key'))?.getTime())
      expect([...(entry?.tags ?? [])].sort()).toEqual(['a', 'b', 'quoted "tag", {x}'])
      expect(entry?.bytes).toBeGreaterThan(5)
      expect(entry?.createdAt instanceof Date && entry.updatedAt instanceof Date).toBe(true)
      expect(Object.keys(entry ?? {}).includes('value')).toBe(false)
    })

    test('filters by a literal prefix', async (cache) => {
      await cache.setMany({ 'a%': 1, 'a%b': 1, ab: 1, a_: 1, 'a|x': 1, 'a\\': 1, b: 1 })
      const found = async (prefix: string) => (await cache.list({ prefix })).entries.map((entry) => entry.key).sort()
      expect(await found('a%')).toEqual(['a%', 'a%b'])
      expect(await found('a_')).toEqual(['a_'])
      expect(await found('a|')).toEqual(['a|x'])
      expect(await found('a\\')).toEqual(['a\\'])
      expect((await found('a')).length).toBe(6)
      expect(await found('zzz')).toEqual([])
    })

    test('excludes nested namespaces if it filters by prefix', async (cache) => {
      await cache.set('apple', 1)
      await cache.set('b', 1)
      await cache.namespace('admin').set('apple', 1)
      await cache.namespace('b').set('a|x', 1)
      const found = async (place: Cache, prefix: string) => (await place.list({ prefix })).entries.map(({ key }) => key)
      expect(await found(cache, 'a')).toEqual(['apple'])
      expect(await found(cache, 'b')).toEqual(['b'])
      expect(await found(cache.namespace('b'), 'a')).toEqual(['a|x'])
      expect((await cache.list()).entries.length).toBe(4)
    })

    test('filters by state', async (cache) => {
      await cache.set('forever', 1)
      await cache.set('live', 1, { expiration: 60 })
      await cache.set('expired', 1, { expiration: 0 })
      const found = async (state: 'live' | 'expired' | 'forever') =>
        (await cache.list({ state })).entries.map(({ key }) => key)
      expect(await found('live')).toEqual(['forever', 'live'])
      expect(await found('expired')).toEqual(['expired'])
      expect(await found('forever')).toEqual(['forever'])
    })

    test('reports the state of each entry, consistent with count and stats', async (cache) => {
      await cache.set('b expired', 1, { expiration: 30 })
      await cache.set('d invalidated', 1, { expiration: 60, tags: ['tag'] })
      await cache.set('e invalidated', 1, { tags: ['tag', 'other'] })
      await cache.set('both', 1, { expiration: 30, tags: ['tag'] })
      await cache.set('a live', 1, { expiration: 60, tags: ['other'] })
      await cache.set('c live', 1)
      await cache.namespace('n').set('f invalidated', 1, { tags: ['tag'] })
      await cache.invalidate('tag')
      await store.advance(30_000)
      const found = async (state?: 'live' | 'expired' | 'forever' | 'invalidated') =>
        (await cache.list(state === undefined ? {} : { state })).entries
          .map((entry) => `${entry.key}: ${entry.state}`)
          .sort()
      const live = ['a live: live', 'c live: live']
      const absent = [
        'b expired: expired',
        'both: expired',
        'd invalidated: invalidated',
        'e invalidated: invalidated',
        'f invalidated: invalidated',
      ]
      expect(await found()).toEqual([...live, ...absent].sort())
      expect(await found('live')).toEqual(live)
      expect(await found('expired')).toEqual(absent)
      expect(await found('forever')).toEqual(['c live: live'])
      expect(await found('invalidated')).toEqual(absent.slice(2))
      expect(await cache.stats()).toMatchObject({ expired: absent.length, total: live.length + absent.length })
      expect(await cache.count()).toBe(live.length)
    })

    test('refuses invalid states, limits and cursors', async (cache) => {
      for (const options of [
        { state: 'x' },
        { state: 'toString' },
        { limit: 0 },
        { limit: 1_001 },
        { limit: 1.5 },
        { cursor: '' },
        { cursor: 'é' },
        { cursor: 5 },
        { perfix: 'a' },
      ]) {
        await rejectsWith(cache.list(options as object), 'INVALID_OPTION')
      }
    })
  })

  describe('clearExpired', () => {
    test('removes only expired entries, in batches', async (cache) => {
      const names = Array.from({ length: 25 }, (_, i) => `key ${i}`)
      await cache.setMany(
        names.map((name) => [name, 1]),
        { expiration: 60 },
      )
      await cache.setMany({ later: 1 }, { expiration: 120 })
      await cache.set('forever', 1)
      await store.advance(60_000)
      const progress: number[] = []
      const result = await cache.clearExpired({ batch: 10, onProgress: (removed) => progress.push(removed) })
      expect(result).toEqual({ removed: 25, more: false })
      expect(progress).toEqual([10, 20, 25])
      expect((await cache.stats()).total).toBe(2)
      expect(await cache.clearExpired()).toEqual({ removed: 0, more: false })
    })

    test('stops after its time budget, and reports that more is left', async (cache) => {
      await cache.setMany({ a: 1, b: 1, c: 1 }, { expiration: 0 })
      expect(await cache.clearExpired({ batch: 1, timeBudget: 0 })).toEqual({ removed: 1, more: true })
      expect(await cache.clearExpired({ batch: 2 })).toEqual({ removed: 2, more: false })
    })

    test('stops after the current batch if its signal aborts', async (cache) => {
      await cache.setMany({ a: 1, b: 1, c: 1 }, { expiration: 0 })
      const ending = new AbortController()
      const options = { batch: 1, signal: ending.signal, onProgress: () => ending.abort() }
      expect(await cache.clearExpired(options)).toEqual({ removed: 1, more: true })
      expect((await cache.stats()).total).toBe(2)
    })

    test('refuses invalid options', async (cache) => {
      for (const options of [
        { batch: 0 },
        { signal: 5 },
        { batch: 1.5 },
        { timeBudget: -1 },
        { timeBudget: Number.NaN },
        { onProgress: 5 },
        { budget: 5 },
      ]) {
        await rejectsWith(cache.clearExpired(options as object), 'INVALID_OPTION')
      }
    })
  })
}
