import type { Store } from '../../store/store.ts'
import { claimLease, fillRequest, item, MINUTE, PAST, type StoreSuite, writeInput } from './suite.ts'

const ONE = { delta: '1', sliding: false, deadline: MINUTE }

/**
 * Changes of a live entry while a refresh computes its next value. A cache does that only for functions of `cached`.
 */
export function fences({ describe, test, expect }: StoreSuite): void {
  const startRefresh = async (store: Store): Promise<string> => {
    await store.write([{ key: 'key', value: null, number: '1' }], writeInput({ deadline: MINUTE, tags: ['tag'] }))
    return claimLease(store, { force: true })
  }
  const storedValue = async (store: Store) => {
    const row = (await store.read('key')).value
    return row && (row.value ?? row.number)
  }

  describe('a refresh is not stored after', () => {
    const changes: Record<string, [change: (store: Store) => unknown, left: string | undefined]> = {
      'a write': [(store) => store.write([item('another'), item('key')], writeInput()), '"written"'],
      'a write with a past deadline': [
        (store) => store.write([item('key')], writeInput({ deadline: PAST })),
        undefined,
      ],
      'a touch with a past deadline': [(store) => store.touch('key', PAST), undefined],
      'a count': [(store) => store.count('key', ONE), '2'],
      'a limit': [(store) => store.limit('key', { periodMs: 60_000, cap: 9 }), '2'],
      'a removal': [(store) => store.remove(['another', 'key']), undefined],
      'a take': [(store) => store.take('key'), undefined],
      'an invalidation of its tag': [(store) => store.invalidate(['another', 'tag']), undefined],
    }
    for (const [name, [change, left]] of Object.entries(changes)) {
      test(name, async (store) => {
        const token = await startRefresh(store)
        await change(store)
        expect((await store.fill(fillRequest(token, { tags: ['tag'] }))).value).toBe(false)
        expect(await storedValue(store)).toBe(left)
      })
    }

    test('an add with a past deadline, if there is no entry', async (store) => {
      const token = await claimLease(store)
      expect((await store.add(item('key'), writeInput({ deadline: PAST }))).value).toBe(true)
      expect((await store.fill(fillRequest(token))).value).toBe(false)
      expect(await storedValue(store)).toBe(undefined)
    })
  })

  describe('a refresh is stored after', () => {
    const changes: Record<string, (store: Store) => unknown> = {
      'a change of another key': (store) => store.write([item('key 2')], writeInput()),
      'an invalidation of another tag': (store) => store.invalidate(['another']),
      'a touch': (store) => store.touch('key', MINUTE),
      'an add, which changes nothing': (store) => store.add(item('key'), writeInput()),
      'a sliding read': (store) => store.read('key', { sliding: { ttlMs: 90_000, lifeMs: 90_000, maxAgeMs: null } }),
    }
    for (const [name, change] of Object.entries(changes)) {
      test(name, async (store) => {
        const token = await startRefresh(store)
        await change(store)
        expect((await store.fill(fillRequest(token, { tags: ['tag'] }))).value).toBe(true)
        expect(await storedValue(store)).toBe('"filled"')
      })
    }
  })
}
