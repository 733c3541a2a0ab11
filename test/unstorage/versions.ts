/** Both versions of unstorage in use: Nitro 2 and Nuxt install the first, Nitro 3 the second. */

import type { UnstorageDriver } from 'pgstash/unstorage'
import * as first from 'unstorage'
// The version that Nitro 3 depends on, which npm installs below it.
import * as second from '../../node_modules/nitro/node_modules/unstorage/dist/index.mjs'

/** The members that the tests use. `types.test.ts` compares their own types with the driver's. */
export interface Storage {
  hasItem(key: string): Promise<boolean>
  getItem(key: string, options?: object): Promise<unknown>
  getItems(items: unknown[], options?: object): Promise<{ key: string; value: unknown }[]>
  getItemRaw(key: string): Promise<unknown>
  setItem(key: string, value: unknown, options?: object): Promise<void>
  setItems(items: unknown[], options?: object): Promise<void>
  setItemRaw(key: string, value: unknown, options?: object): Promise<void>
  removeItem(key: string, options?: object | boolean): Promise<void>
  getMeta(key: string, options?: object): Promise<Record<string, unknown>> | Record<string, unknown>
  setMeta(key: string, meta: object): Promise<void>
  getKeys(base?: string, options?: object): Promise<string[]>
  clear(base?: string): Promise<void>
  mount(base: string, driver: UnstorageDriver): unknown
  watch(listener: (event: string, key: string) => void): Promise<() => unknown>
  dispose(): Promise<void>
}

export interface Version {
  createStorage(options?: { driver?: UnstorageDriver }): Storage
  prefixStorage(storage: Storage, base: string): Storage
  restoreSnapshot(storage: Storage, snapshot: Record<string, unknown>): Promise<void>
}

export const VERSIONS: [name: string, version: Version][] = [
  ['1.17', first as unknown as Version],
  ['2', second as unknown as Version],
]
