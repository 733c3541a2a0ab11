/** Both versions of Keyv over a cache in Postgres, which is reached over HTTP with faults. */
import Keyv5 from 'keyv'
import Keyv6 from 'keyv-6'
import type { Cache } from 'pgstash'
import { type KeyvStore, keyvStore } from 'pgstash/keyv'
import type { createMigratedStash } from '../rate-limit/limits.ts'

/** The members of both versions that the tests use. */
export interface AnyKeyv {
  namespace?: string | undefined
  get(key: string): Promise<unknown>
  getMany(keys: string[]): Promise<unknown[]>
  set(key: string, value: unknown, ttl?: number): Promise<boolean>
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<unknown>
  has(key: string): Promise<boolean>
  hasMany(keys: string[]): Promise<boolean[]>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<unknown>
  clear(): Promise<void>
  iterator?: ((argument?: unknown) => AsyncIterable<unknown>) | undefined
  on(event: string, listener: (error: Error) => void): unknown
}

export interface Options {
  namespace?: string | undefined
  store?: KeyvStore
  [name: string]: unknown
}

/** A Keyv of one version with its own store, unless the options have one. */
export type CreateKeyv = (cache: Cache, options?: Options) => AnyKeyv

export const createKeyv5: CreateKeyv = (cache, options) =>
  new Keyv5({ store: keyvStore(cache), ...options } as never) as AnyKeyv

export const createKeyv6: CreateKeyv = (cache, options) =>
  new Keyv6({ store: keyvStore(cache), ...options } as never) as AnyKeyv

export async function entries(keyv: AnyKeyv): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const entry of keyv.iterator?.() ?? []) all.push(entry)
  return all
}

export async function storedKeys(cache: Cache): Promise<string[]> {
  const page = await cache.list({ limit: 1_000 })
  return page.entries.map(({ namespace, key }) => [...namespace, key].join('|'))
}

export async function deadline(cache: Cache, namespace: string, key: string): Promise<Date | null | undefined> {
  return cache.namespace(namespace).expiration(key)
}

export type Stash = Awaited<ReturnType<typeof createMigratedStash>>
