import type { Store } from '../../store/store.ts'
import { claimed, filling, item, MINUTE, PAST, type StoreSuite, writing } from './suite.ts'

const ONE = { delta: '1', sliding: false, deadline: MINUTE }

/** Changes of a live entry while a refresh computes its next value. A cache refreshes only what `cached` wraps. */
export function fences({ describe, test, expect }: StoreSuite): void {
  const refreshing = async (store: Store): Promise<string> => {
    await store.write([{ key: 'key', value: null, number: '1' }], writing({ deadline: MINUTE, tags: ['tag'] }))
    return claimed(store, { force: true })
  }
  const stored = async (store: Store) => {
    const row = (await store.read('key')).value
    return row && (row.value ?? row.number)
  }

  describe('a refresh is not stored after', () => {
    const changes: Record<string, [change: (store: Store) => unknown, left: string | undefined]> = {
      'a write': [(store) => store.write([item('another'), item('key')], writing()), '"written"'],
      'a write into the past': [(store) => store.write([item('key')], writing({ deadline: PAST })), undefined],
      'a touch into the past': [(store) => store.touch('key', PAST), undefined],
      'a count': [(store) => store.count('key', ONE), '2'],
      'a call that was limited': [(store) => store.limit('key', { periodMs: 60_000, cap: 9 }), '2'],
      'a removal': [(store) => store.remove(['another', 'key']), undefined],
      'a take': [(store) => store.take('key'), undefined],
      'an invalidation of its tag': [(store) => store.invalidate(['another', 'tag']), undefined],
    }
    for (const [name, [change, left]] of Object.entries(changes)) {
      test(name, async (store) => {
        const token = await refreshing(store)
        await change(store)
        expect((await store.fill(filling(token, { tags: ['tag'] }))).value).toBe(false)
        expect(await stored(store)).toBe(left)
      })
    }

    test('an add with a past deadline, once the entry is gone', async (store) => {
      const token = await claimed(store)
      expect((await store.add(item('key'), writing({ deadline: PAST }))).value).toBe(true)
      expect((await store.fill(filling(token))).value).toBe(false)
      expect(await stored(store)).toBe(undefined)
    })
  })

  describe('a refresh is stored after', () => {
    const changes: Record<string, (store: Store) => unknown> = {
      'a change of another key': (store) => store.write([item('key 2')], writing()),
      'an invalidation of another tag': (store) => store.invalidate(['another']),
      'a touch': (store) => store.touch('key', MINUTE),
      'an add, which changes nothing': (store) => store.add(item('key'), writing()),
      'a sliding read': (store) => store.read('key', { sliding: { ttlMs: 90_000, lifeMs: 90_000, maxAgeMs: null } }),
    }
    for (const [name, change] of Object.entries(changes)) {
      test(name, async (store) => {
        const token = await refreshing(store)
        await change(store)
        expect((await store.fill(filling(token, { tags: ['tag'] }))).value).toBe(true)
        expect(await stored(store)).toBe('"filled"')
      })
    }
  })
}
