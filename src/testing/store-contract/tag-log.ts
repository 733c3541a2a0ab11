import { OLDEST_SNAPSHOT } from '../../values/snapshot.ts'
import { claimLease, fillRequest, item, type StoreSuite, textOf, writeInput } from './suite.ts'

/** Writes and fills that pass the snapshot of their data. */
export function tagLog({ describe, test, expect }: StoreSuite): void {
  describe('a snapshot', () => {
    test('decides about a fill, whether it is older or newer than the claim', async (store) => {
      const older = (await store.snapshot()).value
      await store.invalidate(['tag'])
      const refused = await claimLease(store)
      expect((await store.fill(fillRequest(refused, { tags: ['tag'], asOf: older }))).value).toBe(false)
      const token = await claimLease(store)
      await store.invalidate(['tag'])
      const newer = (await store.snapshot()).value
      expect((await store.fill(fillRequest(token, { tags: ['tag'], asOf: newer }))).value).toBe(true)
      expect(await textOf(store)).toBe('"filled"')
    })

    test('from another store counts as older than every invalidation', async (store) => {
      await store.invalidate(['tag'])
      await store.write([item('key')], writeInput({ tags: ['tag'], asOf: OLDEST_SNAPSHOT }))
      expect(await textOf(store)).toBe(undefined)
      await store.write([item('key')], writeInput({ asOf: OLDEST_SNAPSHOT }))
      expect(await textOf(store)).toBe('"written"')
    })

    test('rejects an added entry like a written one', async (store) => {
      const asOf = (await store.snapshot()).value
      await store.invalidate(['tag'])
      expect((await store.add(item('key'), writeInput({ tags: ['tag'], asOf }))).value).toBe(true)
      expect(await textOf(store)).toBe(undefined)
    })

    test('from position() counts like one from snapshot()', async (store) => {
      const older = store.position?.()
      if (older === undefined) return
      await store.invalidate(['tag'])
      await store.write([item('key')], writeInput({ tags: ['tag'], asOf: older }))
      expect(await textOf(store)).toBe(undefined)
      await store.write([item('key')], writeInput({ tags: ['tag'], asOf: store.position?.() ?? '' }))
      expect(await textOf(store)).toBe('"written"')
    })
  })
}
