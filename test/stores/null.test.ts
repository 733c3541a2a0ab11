import { nullCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { pause, times } from '../fill/clients.ts'

describe('nullCache', () => {
  const cache = nullCache()

  it('stores nothing, and answers as if every key were absent', async () => {
    await cache.set('key', 1)
    await cache.setMany({ key: 1 }, { tags: ['tag'] })
    expect(await cache.add('key', 1)).toBe(true)
    expect(await cache.get('key')).toBeUndefined()
    expect(await cache.get('key', { fallback: 'other' })).toBe('other')
    expect(await cache.getMany(['key'])).toEqual(new Map())
    expect([await cache.has('key'), await cache.touch('key', 60), await cache.delete('key')]).toEqual(
      times(3, () => false),
    )
    expect([await cache.pull('key'), await cache.expiration('key')]).toEqual([undefined, undefined])
    expect([await cache.deleteMany(['key']), await cache.clear(), await cache.count()]).toEqual([0, 0, 0])
    expect(await cache.stats()).toMatchObject({ total: 0, bytes: 0 })
    expect(await cache.list()).toEqual({ entries: [] })
    expect(await cache.clearExpired()).toEqual({ removed: 0, more: false })
    await cache.invalidate('tag')
    await cache.set('key', 1, { tags: ['tag'], asOf: await cache.snapshot() })
    const handle = cache.entry<number>('key')
    expect(await handle.set(5)).toBe(5)
    expect([await handle.exists(), await handle.value(), await handle.delete()]).toEqual([false, undefined, false])
  })

  it('counts each call as the first', async () => {
    expect([await cache.increment('n', 5), await cache.increment('n', 5), await cache.decrement('n')]).toEqual([
      5, 5, -1,
    ])
    for (let i = 0; i < 3; i++) {
      expect(await cache.limit('l', { limit: 1, period: 60 })).toMatchObject({ allowed: true, count: 1, remaining: 0 })
    }
    expect(await cache.limit('l', { limit: 0, period: 60 })).toMatchObject({ allowed: false })
  })

  it('computes for each caller, concurrently', async () => {
    let running = 0
    let most = 0
    const compute = async () => {
      most = Math.max(most, ++running)
      await pause(10)
      running--
      return {}
    }
    const values = await Promise.all(times(5, () => cache.getOrSet('key', compute, { stale: 60 })))
    expect(new Set(values).size).toBe(5)
    expect(most).toBe(5)
    expect(await cache.getOrSet('key', () => cache.getOrSet('key', 'inner'))).toBe('inner')
  })

  it('refuses all input that every cache refuses', async () => {
    const refused = [
      [cache.get(''), 'INVALID_KEY'],
      [cache.set('key', 1, { ttl: 1 } as object), 'INVALID_OPTION'],
      [cache.setMany([['', 1]]), 'INVALID_KEY'],
      [cache.touch('key', 'soon' as '1s'), 'INVALID_EXPIRATION'],
      [cache.increment('key', Number.NaN), 'INVALID_DELTA'],
      [cache.limit('key', { limit: -1, period: 1 }), 'INVALID_OPTION'],
      [cache.list({ limit: 0 }), 'INVALID_OPTION'],
      [cache.clearExpired({ batch: 0 }), 'INVALID_OPTION'],
      [cache.invalidate(['']), 'INVALID_KEY'],
      [cache.getOrSet('key', () => 1n), 'UNSERIALIZABLE_VALUE'],
      [cache.getOrSet('key', 1, { lease: 0 }), 'INVALID_EXPIRATION'],
    ] as const
    for (const [promise, code] of refused) await expect(promise).rejects.toMatchObject({ code })
    expect(() => cache.namespace('')).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    expect(() => cache.entry('')).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
  })
})
