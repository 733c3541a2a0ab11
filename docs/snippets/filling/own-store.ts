import { createFiller, type FillStore, type Jsonified } from 'pgstash'

/** Returns a `getOrSet` for your own store that does everything on this page. */
export function getOrSetOf(store: FillStore) {
  const filler = createFiller(store, { onError: 'miss' })
  return <T>(key: string, compute: () => Promise<T>) =>
    filler.getOrSet(key, key, compute, { expiration: '10m' }) as Promise<Jsonified<T>>
}
