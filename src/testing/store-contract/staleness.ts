import type { Store } from '../../store/store.ts'
import { claiming, filled, item, MINUTE, NEVER, type StoreSuite, writing } from './suite.ts'

/** Answers to claims after the deadline, and the lives that fills give. */
export function staleness({ describe, test, expect, advance }: StoreSuite): void {
  const ask = async (store: Store, staleMs: number | null) => {
    const { token, ...request } = claiming({ staleMs })
    const { value } = await store.readOrClaim({ ...request, token })
    await store.release('key', token)
    return value
  }

  const servableFor = async (store: Store, staleMs: number | null, ms: number) => {
    const { entry } = await ask(store, staleMs)
    expect(entry?.servableMs).toBeGreaterThan(ms - 20_000)
    expect(entry?.servableMs).toBeLessThanOrEqual(ms)
  }

  describe('a stale value', () => {
    test('is returned within the window of the reader and of the entry, beside the lease', async (store) => {
      await filled(store, { deadline: MINUTE, staleMs: 60_000 })
      await advance(70_000)
      expect(await ask(store, 0)).toMatchObject({ entry: undefined, claimed: true })
      expect(await ask(store, 5_000)).toMatchObject({ entry: undefined, claimed: true })
      expect(await ask(store, 20_000)).toMatchObject({ entry: { state: 'stale', value: '"filled"' }, claimed: true })
      expect(await ask(store, null)).toMatchObject({ entry: { state: 'stale' }, claimed: true })
      await advance(50_000)
      expect(await ask(store, null)).toMatchObject({ entry: undefined, claimed: true })
    })

    test('comes with the time for which the reader may have it', async (store) => {
      await filled(store, { deadline: MINUTE, staleMs: 60_000 })
      await advance(70_000)
      await servableFor(store, 40_000, 30_000)
      await servableFor(store, null, 50_000)
    })

    test('is kept forever if its fill says so', async (store) => {
      await filled(store, { deadline: MINUTE, staleMs: null })
      await advance(365 * 86_400_000)
      const { entry } = await ask(store, null)
      expect(entry?.state).toBe('stale')
      expect(entry?.servableMs ?? Number.POSITIVE_INFINITY).toBe(Number.POSITIVE_INFINITY)
      expect((await ask(store, 60_000)).entry).toBe(undefined)
    })

    test('is absent for all other methods, and after a plain write', async (store) => {
      await filled(store, { deadline: MINUTE, staleMs: 60_000 })
      await advance(60_000)
      expect((await store.readMany(['key'])).value.size).toBe(0)
      expect((await store.take('key')).value).toBe(undefined)
      await store.write([item('key')], writing({ deadline: MINUTE }))
      await advance(60_000)
      expect((await ask(store, null)).entry).toBe(undefined)
    })
  })

  describe('a live value', () => {
    test('comes with the time for which the reader may have it, including the stale window', async (store) => {
      await filled(store, { deadline: MINUTE, staleMs: 60_000 })
      await servableFor(store, 30_000, 90_000)
      await servableFor(store, 90_000, 120_000)
    })
  })

  describe('a fill', () => {
    test('lives no longer than its maximum age', async (store) => {
      await filled(store, { deadline: NEVER, maxAgeMs: 30_000 })
      await advance(25_000)
      expect((await store.has('key')).value).toBe(true)
      await advance(5_000)
      expect((await store.has('key')).value).toBe(false)
    })
  })
}
