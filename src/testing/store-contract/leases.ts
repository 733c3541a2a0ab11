import type { Store } from '../../store/store.ts'
import { ROOT } from '../../values/key.ts'
import { claimed, claiming, filled, filling, item, type StoreSuite, textOf, writing } from './suite.ts'

/** The holder of a key's lease, and how long it holds the lease. */
export function leases({ describe, test, expect, advance }: StoreSuite): void {
  describe('a lease', () => {
    test('belongs to one token, and all others learn how long it is held', async (store) => {
      const first = (await store.readOrClaim(claiming())).value
      expect(first.entry).toBe(undefined)
      expect(first.claimed).toBe(true)
      const second = (await store.readOrClaim(claiming())).value
      expect(second.claimed).toBe(false)
      expect(second.heldMs).toBeGreaterThan(40_000)
      expect(second.heldMs).toBeLessThanOrEqual(60_000)
      expect((await store.readOrClaim(claiming({ key: 'other' }))).value.claimed).toBe(true)
    })

    test('stays with its token, which may claim it again, for longer', async (store) => {
      const token = await claimed(store)
      await advance(40_000)
      expect((await store.readOrClaim(claiming({ token }))).value.claimed).toBe(true)
      await advance(40_000)
      expect((await store.readOrClaim(claiming())).value.claimed).toBe(false)
      expect((await store.fill(filling(token))).value).toBe(true)
    })

    test('passes to another token once it has expired, and the first token can neither fill nor release', async (store) => {
      const first = await claimed(store)
      await advance(60_000)
      const second = await claimed(store)
      expect((await store.fill(filling(first))).value).toBe(false)
      await store.release('key', first)
      expect((await store.readOrClaim(claiming())).value.claimed).toBe(false)
      expect((await store.fill(filling(second))).value).toBe(true)
    })

    test('remains valid after it expired if no other token took it', async (store) => {
      const token = await claimed(store)
      await advance(60_000)
      expect((await store.fill(filling(token))).value).toBe(true)
      expect(await textOf(store)).toBe('"filled"')
    })

    test('is free after its release', async (store) => {
      const token = await claimed(store)
      await store.release('key', token)
      await claimed(store)
      expect((await store.fill(filling(token))).value).toBe(false)
    })

    test('is free after the fill, which can be made once', async (store) => {
      const token = await claimed(store)
      expect((await store.fill(filling(token))).value).toBe(true)
      expect((await store.fill(filling(token, { value: '"again"' }))).value).toBe(false)
      expect(await textOf(store)).toBe('"filled"')
      await claimed(store, { force: true })
    })

    test('is free after a removal, although there was no entry', async (store) => {
      const removals: ((store: Store) => unknown)[] = [
        () => store.remove(['another', 'key']),
        () => store.take('key'),
        () => store.clear(ROOT),
      ]
      for (const remove of removals) {
        const token = await claimed(store)
        await remove(store)
        const next = await claimed(store)
        expect((await store.fill(filling(token))).value).toBe(false)
        await store.release('key', next)
      }
    })

    test('is not claimed while an entry is live, unless forced', async (store) => {
      await store.write([item('key')], writing())
      const read = (await store.readOrClaim(claiming())).value
      expect(read).toMatchObject({ claimed: false, entry: { state: 'live', value: '"written"', number: null } })
      expect(read.heldMs).toBe(undefined)
      const forced = (await store.readOrClaim(claiming({ force: true }))).value
      expect(forced).toMatchObject({ claimed: true, entry: { state: 'live' } })
      const later = (await store.readOrClaim(claiming({ force: true }))).value
      expect(later).toMatchObject({ claimed: false, entry: { state: 'live' } })
      expect(later.heldMs).toBeGreaterThan(0)
    })

    test('is claimed early if little of the life remains, compared with the compute time', async (store) => {
      await filled(store, { deadline: { kind: 'after', ms: 60_000 }, computeMs: 10_000 })
      await store.write([item('written')], writing({ deadline: { kind: 'after', ms: 60_000 } }))
      await advance(54_000)
      for (const [early, isClaimed] of [
        [0, false],
        [0.5, false],
        [1, true],
      ] as const) {
        const answer = (await store.readOrClaim(claiming({ early }))).value
        expect(answer).toMatchObject({ claimed: isClaimed, entry: { state: 'live' } })
      }
      expect((await store.readOrClaim(claiming({ key: 'written', early: 100 }))).value.claimed).toBe(false)
    })
  })
}
