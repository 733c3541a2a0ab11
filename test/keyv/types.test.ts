/**
 * The store has the types that both versions of Keyv ask for. Vitest runs this file, and `npm run check` verifies it.
 */
import Keyv5, { type KeyvStoreAdapter } from 'keyv'
import Keyv6, { type KeyvStorageAdapter } from 'keyv-6'
import { memoryCache } from 'pgstash'
import { type KeyvStore, keyvStore } from 'pgstash/keyv'
import { expect, it } from 'vitest'

/**
 * All methods but those of an event emitter. Keyv 6 calls only `on` of these, and its `store` option accepts any
 * object.
 */
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
