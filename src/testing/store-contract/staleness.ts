import type { Store } from '../../store/store.ts'
import { claimRequest, fillKey, item, MINUTE, NEVER, type StoreSuite, writeInput } from './suite.ts'

/** Claims after the deadline, and the lifetimes that fills set. */
export function staleness({ describe, test, expect, advance }: StoreSuite): void {
  const claim = async (store: Store, staleMs: number | null) => {
    const { token, ...request } = claimRequest({ staleMs })
    const { value } = await store.readOrClaim({ ...request, token })
    await store.release('key', token)
    return value
  }

  const expectServableFor = async (store: Store, staleMs: number | null, ms: number) => {
    const { entry } = await claim(store, staleMs)
    expect(entry?.servableMs).toBeGreaterThan(ms - 20_000)
    expect(entry?.servableMs).toBeLessThanOrEqual(ms)
  }

  describe('a stale value', () => {
    test('is returned with the lease, within the windows of reader and entry', async (store) => {
      await fillKey(store, { deadline: MINUTE, staleMs: 60_000 })
      await advance(70_000)
      expect(await claim(store, 0)).toMatchObject({ entry: undefined, claimed: true })
      expect(await claim(store, 5_000)).toMatchObject({ entry: undefined, claimed: true })
      expect(await claim(store, 20_000)).toMatchObject({ entry: { state: 'stale', value: '"filled"' }, claimed: true })
      expect(await claim(store, null)).toMatchObject({ entry: { state: 'stale' }, claimed: true })
      await advance(50_000)
      expect(await claim(store, null)).toMatchObject({ entry: undefined, claimed: true })
    })

    test('has the time for which the reader may serve it', async (store) => {
      await fillKey(store, { deadline: MINUTE, staleMs: 60_000 })
      await advance(70_000)
      await expectServableFor(store, 40_000, 30_000)
      await expectServableFor(store, null, 50_000)
    })

    test('is kept without limit if its fill says so', async (store) => {
      await fillKey(store, { deadline: MINUTE, staleMs: null })
      await advance(365 * 86_400_000)
      const { entry } = await claim(store, null)
      expect(entry?.state).toBe('stale')
      expect(entry?.servableMs ?? Number.POSITIVE_INFINITY).toBe(Number.POSITIVE_INFINITY)
      expect((await claim(store, 60_000)).entry).toBe(undefined)
    })

    test('is absent for other methods, and after a plain write', async (store) => {
      await fillKey(store, { deadline: MINUTE, staleMs: 60_000 })
      await advance(60_000)
      expect((await store.readMany(['key'])).value.size).toBe(0)
      expect((await store.take('key')).value).toBe(undefined)
      await store.write([item('key')], writeInput({ deadline: MINUTE }))
      await advance(60_000)
      expect((await claim(store, null)).entry).toBe(undefined)
    })
  })

  describe('a live value', () => {
    test('has the time for which the reader may serve it, including the stale window', async (store) => {
      await fillKey(store, { deadline: MINUTE, staleMs: 60_000 })
      await expectServableFor(store, 30_000, 90_000)
      await expectServableFor(store, 90_000, 120_000)
    })
  })

  describe('a fill', () => {
    test('lives no longer than its greatest age', async (store) => {
      await fillKey(store, { deadline: NEVER, maxAgeMs: 60_000 })
      await advance(40_000)
      expect((await store.has('key')).value).toBe(true)
      await advance(20_000)
      expect((await store.has('key')).value).toBe(false)
    })
  })
}
