import { ROOT } from '../../values/key.ts'
import {
  claimed,
  claiming,
  filling,
  item,
  listing,
  PAST,
  type StoreSuite,
  scopeOf,
  sweeping,
  writing,
} from './suite.ts'

/** In order. By UTF-16 units, the last two would come before U+FFFD. */
const KEYS = ['A', 'a', 'é', '日', '\uFFFD', '\u{1F600}', '\u{10FFFF}']

/** Pages, and cleanup. */
export function listings({ describe, test, expect }: StoreSuite): void {
  describe('list', () => {
    test('orders by code point', async (store) => {
      for (const key of [...KEYS].reverse()) await store.write([item(key)], writing())
      expect((await store.list(ROOT, listing())).value.map(({ key }) => key)).toEqual(KEYS)
    })

    test('returns one row more than a page has, if there is one', async (store) => {
      for (const key of KEYS) await store.write([item(key)], writing())
      const page = async (after: string, limit: number) =>
        (await store.list(ROOT, listing({ after, limit }))).value.map(({ key }) => key)
      expect(await page('', 3)).toEqual(KEYS.slice(0, 4))
      expect(await page('é', 3)).toEqual(KEYS.slice(3))
      expect(await page('é', 4)).toEqual(KEYS.slice(3))
      expect(await page('\u{10FFFF}', 4)).toEqual([])
    })

    test('continues after a key that was deleted meanwhile', async (store) => {
      for (const key of KEYS) await store.write([item(key)], writing())
      await store.remove(['é'])
      const { value } = await store.list(ROOT, listing({ after: 'é', limit: 2 }))
      expect(value.map(({ key }) => key)).toEqual(['日', '\uFFFD', '\u{1F600}'])
    })
  })

  describe('sweep', () => {
    test('leaves leases, so that computed values are still stored', async (store) => {
      await store.write([item('key'), item('other')], writing({ deadline: PAST }))
      const token = await claimed(store)
      await store.sweep(ROOT, sweeping())
      expect((await store.readOrClaim(claiming())).value.claimed).toBe(false)
      expect((await store.fill(filling(token))).value).toBe(true)
    })

    test('runs one batch even if its signal has aborted before', async (store) => {
      await store.write([item('a'), item('b')], writing({ deadline: PAST }))
      const input = sweeping({ batch: 1, signal: AbortSignal.abort() })
      expect((await store.sweep(ROOT, input)).value).toMatchObject({ removed: 1, more: true })
    })
  })

  describe('clear', () => {
    test('counts expired entries, and breaks only the leases of its scope', async (store) => {
      await store.write([item('a|expired')], writing({ deadline: PAST }))
      await store.write([item('a|b|nested'), item('a|live'), item('ab|other'), item('root')], writing())
      const [inside, outside] = [await claimed(store, { key: 'a|key' }), await claimed(store, { key: 'ab|key' })]
      expect((await store.clear(scopeOf('a'))).value).toBe(3)
      expect((await store.fill(filling(inside, { key: 'a|key' }))).value).toBe(false)
      expect((await store.fill(filling(outside, { key: 'ab|key' }))).value).toBe(true)
      expect((await store.size(ROOT)).value).toBe(3)
    })
  })
}
