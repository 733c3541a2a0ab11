import { OLDEST_SNAPSHOT } from '../../values/snapshot.ts'
import { claimed, filling, item, type StoreSuite, textOf, writing } from './suite.ts'

/** Snapshots as of which data was read. */
export function tagLog({ describe, test, expect }: StoreSuite): void {
  describe('a snapshot', () => {
    test('decides for a fill whether its data is older or newer than the claim', async (store) => {
      const older = (await store.snapshot()).value
      await store.invalidate(['tag'])
      const refused = await claimed(store)
      expect((await store.fill(filling(refused, { tags: ['tag'], asOf: older }))).value).toBe(false)
      const token = await claimed(store)
      await store.invalidate(['tag'])
      const newer = (await store.snapshot()).value
      expect((await store.fill(filling(token, { tags: ['tag'], asOf: newer }))).value).toBe(true)
      expect(await textOf(store)).toBe('"filled"')
    })

    test('from another store is older than every invalidation', async (store) => {
      await store.invalidate(['tag'])
      await store.write([item('key')], writing({ tags: ['tag'], asOf: OLDEST_SNAPSHOT }))
      expect(await textOf(store)).toBe(undefined)
      await store.write([item('key')], writing({ asOf: OLDEST_SNAPSHOT }))
      expect(await textOf(store)).toBe('"written"')
    })

    test('passed to add rejects the entry like one passed to write', async (store) => {
      const asOf = (await store.snapshot()).value
      await store.invalidate(['tag'])
      expect((await store.add(item('key'), writing({ tags: ['tag'], asOf }))).value).toBe(true)
      expect(await textOf(store)).toBe(undefined)
    })

    test('that the store returns without a request works equally', async (store) => {
      const older = store.position?.()
      if (older === undefined) return
      await store.invalidate(['tag'])
      await store.write([item('key')], writing({ tags: ['tag'], asOf: older }))
      expect(await textOf(store)).toBe(undefined)
      await store.write([item('key')], writing({ tags: ['tag'], asOf: store.position?.() ?? '' }))
      expect(await textOf(store)).toBe('"written"')
    })
  })
}
