import { ROOT } from '../../values/key.ts'
import {
  claimLease,
  claimRequest,
  fillRequest,
  item,
  listInput,
  PAST,
  type StoreSuite,
  scopeOf,
  sweepInput,
  writeInput,
} from './suite.ts'

/** Sorted by code point. By UTF-16 units, the last two would come before U+FFFD. */
const KEYS = ['A', 'a', 'é', '日', '\uFFFD', '\u{1F600}', '\u{10FFFF}']

/** Paging and cleanup. */
export function listings({ describe, test, expect }: StoreSuite): void {
  describe('list', () => {
    test('orders by code point', async (store) => {
      for (const key of [...KEYS].reverse()) await store.write([item(key)], writeInput())
      expect((await store.list(ROOT, listInput())).value.map(({ key }) => key)).toEqual(KEYS)
    })

    test('returns one row more than the limit, if there is one', async (store) => {
      for (const key of KEYS) await store.write([item(key)], writeInput())
      const page = async (after: string, limit: number) =>
        (await store.list(ROOT, listInput({ after, limit }))).value.map(({ key }) => key)
      expect(await page('', 3)).toEqual(KEYS.slice(0, 4))
      expect(await page('é', 3)).toEqual(KEYS.slice(3))
      expect(await page('é', 4)).toEqual(KEYS.slice(3))
      expect(await page('\u{10FFFF}', 4)).toEqual([])
    })

    test('continues after a cursor key that was removed', async (store) => {
      for (const key of KEYS) await store.write([item(key)], writeInput())
      await store.remove(['é'])
      const { value } = await store.list(ROOT, listInput({ after: 'é', limit: 2 }))
      expect(value.map(({ key }) => key)).toEqual(['日', '\uFFFD', '\u{1F600}'])
    })
  })

  describe('sweep', () => {
    test('keeps leases, so that computations are still stored', async (store) => {
      await store.write([item('key'), item('other')], writeInput({ deadline: PAST }))
      const token = await claimLease(store)
      await store.sweep(ROOT, sweepInput())
      expect((await store.readOrClaim(claimRequest())).value.claimed).toBe(false)
      expect((await store.fill(fillRequest(token))).value).toBe(true)
    })

    test('runs one batch even if its signal has already aborted', async (store) => {
      await store.write([item('a'), item('b')], writeInput({ deadline: PAST }))
      const input = sweepInput({ batch: 1, signal: AbortSignal.abort() })
      expect((await store.sweep(ROOT, input)).value).toMatchObject({ removed: 1, more: true })
    })
  })

  describe('clear', () => {
    test('counts expired entries, and breaks only the leases of its scope', async (store) => {
      await store.write([item('a|expired')], writeInput({ deadline: PAST }))
      await store.write([item('a|b|nested'), item('a|live'), item('ab|other'), item('root')], writeInput())
      const [inside, outside] = [await claimLease(store, { key: 'a|key' }), await claimLease(store, { key: 'ab|key' })]
      expect((await store.clear(scopeOf('a'))).value).toBe(3)
      expect((await store.fill(fillRequest(inside, { key: 'a|key' }))).value).toBe(false)
      expect((await store.fill(fillRequest(outside, { key: 'ab|key' }))).value).toBe(true)
      expect((await store.size(ROOT)).value).toBe(3)
    })
  })
}
