/** The store has the types that both versions of Keyv ask for. Vitest runs this file, and `npm run check` judges it. */
import Keyv5, { type KeyvStoreAdapter } from 'keyv'
import Keyv6, { type KeyvStorageAdapter } from 'keyv-6'
import { memoryCache } from 'pgstash'
import { type KeyvStore, keyvStore } from 'pgstash/keyv'
import { expect, it } from 'vitest'

/** Everything but the methods of an event emitter. Of these Keyv 6 calls only `on`, and its `store` option takes any object. */
type StorageOfKeyv6 = Pick<KeyvStorageAdapter, Extract<keyof KeyvStore, keyof KeyvStorageAdapter>>

it('is assignable to the store types of Keyv 5 and of Keyv 6', async () => {
  const five: KeyvStoreAdapter = keyvStore(memoryCache())
  const six = keyvStore(memoryCache())
  const { on: _, ...methods }: Omit<StorageOfKeyv6, 'on'> & Pick<KeyvStore, 'on'> = six
  expect(methods).toBeDefined()
  const [old, present] = [new Keyv5(five), new Keyv6({ store: six })]
  await Promise.all([old.set('k', 1), present.set('k', 2)])
  expect([await old.get<number>('k'), await present.get<number>('k')]).toEqual([1, 2])
})
