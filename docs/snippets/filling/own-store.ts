import { createFiller, type FillStore, type Jsonified } from 'pgstash'

/** `getOrSet` for a store of your own, with everything that this page says of it. */
export function getOrSetOf(store: FillStore) {
  const filler = createFiller(store, { onError: 'miss' })
  return <T>(key: string, compute: () => Promise<T>) =>
    filler.getOrSet(key, key, compute, { expiration: '10m' }) as Promise<Jsonified<T>>
}
