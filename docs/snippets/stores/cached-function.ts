import { type Cache, cached } from 'pgstash'

interface User {
  id: number
  name: string
}

export function userFunctions(cache: Cache, load: (id: number) => Promise<User>) {
  const user = cached(load, { cache, key: 'user', expiration: '10m', stale: '1h', tags: (id) => [`user:${id}`] })
  return {
    user,
    /** After a change that was committed. */
    changed: (id: number) => user.invalidate(id),
    /** Ahead of the requests that will want it; they have the old value until the new one is there. */
    warm: (id: number) => user.refresh(id),
  }
}
