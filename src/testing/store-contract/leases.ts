import type { Store } from '../../store/store.ts'
import { ROOT } from '../../values/key.ts'
import { claimLease, claimRequest, fillKey, fillRequest, item, type StoreSuite, textOf, writeInput } from './suite.ts'

/** The holder of a key's lease, and how long it holds the lease. */
export function leases({ describe, test, expect, advance }: StoreSuite): void {
  describe('a lease', () => {
    test('is granted to one token, and others learn how long it is held', async (store) => {
      const first = (await store.readOrClaim(claimRequest())).value
      expect(first.entry).toBe(undefined)
      expect(first.claimed).toBe(true)
      const second = (await store.readOrClaim(claimRequest())).value
      expect(second.claimed).toBe(false)
      expect(second.heldMs).toBeGreaterThan(40_000)
      expect(second.heldMs).toBeLessThanOrEqual(60_000)
      expect((await store.readOrClaim(claimRequest({ key: 'other' }))).value.claimed).toBe(true)
    })

    test('can be extended by its own token', async (store) => {
      const token = await claimLease(store)
      await advance(40_000)
      expect((await store.readOrClaim(claimRequest({ token }))).value.claimed).toBe(true)
      await advance(40_000)
      expect((await store.readOrClaim(claimRequest())).value.claimed).toBe(false)
      expect((await store.fill(fillRequest(token))).value).toBe(true)
    })

    test('passes to another token after it expired, which voids the first token', async (store) => {
      const first = await claimLease(store)
      await advance(60_000)
      const second = await claimLease(store)
      expect((await store.fill(fillRequest(first))).value).toBe(false)
      await store.release('key', first)
      expect((await store.readOrClaim(claimRequest())).value.claimed).toBe(false)
      expect((await store.fill(fillRequest(second))).value).toBe(true)
    })

    test('still allows a fill after it expired, if nobody else claimed it', async (store) => {
      const token = await claimLease(store)
      await advance(60_000)
      expect((await store.fill(fillRequest(token))).value).toBe(true)
      expect(await textOf(store)).toBe('"filled"')
    })

    test('is free after its release', async (store) => {
      const token = await claimLease(store)
      await store.release('key', token)
      await claimLease(store)
      expect((await store.fill(fillRequest(token))).value).toBe(false)
    })

    test('is free after the fill, and allows only one fill', async (store) => {
      const token = await claimLease(store)
      expect((await store.fill(fillRequest(token))).value).toBe(true)
      expect((await store.fill(fillRequest(token, { value: '"again"' }))).value).toBe(false)
      expect(await textOf(store)).toBe('"filled"')
      await claimLease(store, { force: true })
    })

    test('is free after a removal, even if there was no entry', async (store) => {
      const removals: ((store: Store) => unknown)[] = [
        () => store.remove(['another', 'key']),
        () => store.take('key'),
        () => store.clear(ROOT),
      ]
      for (const remove of removals) {
        const token = await claimLease(store)
        await remove(store)
        const next = await claimLease(store)
        expect((await store.fill(fillRequest(token))).value).toBe(false)
        await store.release('key', next)
      }
    })

    test('is not granted while an entry is live, unless by force', async (store) => {
      await store.write([item('key')], writeInput())
      const read = (await store.readOrClaim(claimRequest())).value
      expect(read).toMatchObject({ claimed: false, entry: { state: 'live', value: '"written"', number: null } })
      expect(read.heldMs).toBe(undefined)
      const forced = (await store.readOrClaim(claimRequest({ force: true }))).value
      expect(forced).toMatchObject({ claimed: true, entry: { state: 'live' } })
      const later = (await store.readOrClaim(claimRequest({ force: true }))).value
      expect(later).toMatchObject({ claimed: false, entry: { state: 'live' } })
      expect(later.heldMs).toBeGreaterThan(0)
    })

    test('is granted early if the remaining lifetime is short relative to the computation', async (store) => {
      await fillKey(store, { deadline: { kind: 'after', ms: 600_000 }, computeMs: 100_000 })
      await store.write([item('written')], writeInput({ deadline: { kind: 'after', ms: 600_000 } }))
      await advance(540_000)
      for (const [early, isClaimed] of [
        [0, false],
        [0.5, false],
        [1, true],
      ] as const) {
        const answer = (await store.readOrClaim(claimRequest({ early }))).value
        expect(answer).toMatchObject({ claimed: isClaimed, entry: { state: 'live' } })
      }
      expect((await store.readOrClaim(claimRequest({ key: 'written', early: 100 }))).value.claimed).toBe(false)
    })
  })
}
