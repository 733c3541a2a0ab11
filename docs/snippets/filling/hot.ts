import type { Cache, Jsonified } from 'pgstash'

/** A hot key: one caller refreshes it shortly before it expires, so that no caller finds it missing. */
export function frontPage(cache: Cache, render: () => Promise<string>): Promise<string> {
  return cache.getOrSet('front page', render, { expiration: '1m', beta: 1 })
}

/** A key that lives as long as it is read, but no longer than a day. */
export function preferences<T>(cache: Cache, user: string, load: () => Promise<T>): Promise<Jsonified<T>> {
  return cache.getOrSet(`preferences:${user}`, load, { expiration: '30m', sliding: true, maxAge: '1d' })
}
