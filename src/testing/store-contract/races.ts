import type { Store } from '../../store/store.ts'
import { claimLease, claimRequest, fillRequest, item, type StoreSuite, textOf, writeInput } from './suite.ts'

const ROUNDS = 15

/** Concurrent calls. In any order, no call may see a part of another call. */
export function races({ describe, test, expect }: StoreSuite): void {
  describe('at the same time', () => {
    test('many claims: one token gets the lease', async (store) => {
      const claims = Array.from({ length: 20 }, async () => (await store.readOrClaim(claimRequest())).value)
      const answers = await Promise.all(claims)
      expect(answers.filter((answer) => answer.claimed === true).length).toBe(1)
    })

    /** Fills and changes a key at the same time, in both orders. */
    const race = async (store: Store, change: (key: string) => unknown, check: (key: string) => Promise<void>) => {
      for (let round = 0; round < ROUNDS; round++) {
        const key = `key ${round}`
        const token = await claimLease(store, { key })
        const fill = async () => void (await store.fill(fillRequest(token, { key, tags: ['tag'] })))
        const changing = async () => void (await change(key))
        await Promise.all(round % 2 === 0 ? [fill(), changing()] : [changing(), fill()])
        await check(key)
      }
    }

    test('a fill and a write: the written value stays', async (store) => {
      await race(
        store,
        (key) => store.write([item(key)], writeInput()),
        async (key) => expect(await textOf(store, key)).toBe('"written"'),
      )
    })

    test('a fill and an add: the added value stays, unless the fill came first', async (store) => {
      const added = new Map<string, boolean>()
      await race(
        store,
        async (key) => added.set(key, (await store.add(item(key), writeInput())).value),
        async (key) => expect(await textOf(store, key)).toBe(added.get(key) ? '"written"' : '"filled"'),
      )
    })

    test('a fill and a removal: the key is absent', async (store) => {
      for (const remove of [(key: string) => store.remove([key]), (key: string) => store.take(key)]) {
        await race(store, remove, async (key) => expect(await textOf(store, key)).toBe(undefined))
      }
    })

    test('a fill and an invalidation of its tag: the key is absent', async (store) => {
      await race(
        store,
        () => store.invalidate(['tag']),
        async (key) => expect(await textOf(store, key)).toBe(undefined),
      )
    })

    test('a write of two keys and a read: the read has both values or neither', async (store) => {
      for (let round = 0; round < ROUNDS; round++) {
        const value = `"${round}"`
        const write = async () => void (await store.write([item('a', value), item('b', value)], writeInput()))
        const read = async () => (await store.readMany(['a', 'b'])).value
        const [, rows] = await Promise.all([write(), read()])
        expect(rows.get('a')?.value).toBe(rows.get('b')?.value)
      }
    })
  })
}
