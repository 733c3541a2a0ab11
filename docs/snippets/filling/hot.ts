import type { Cache, Jsonified } from 'pgstash'

/** A key that is read all the time: refreshed by one caller shortly before it expires, so that none ever finds it missing. */
export function frontPage(cache: Cache, render: () => Promise<string>): Promise<string> {
  return cache.getOrSet('front page', render, { expiration: '1m', beta: 1 })
}

/** A key that lives as long as it is read, but no longer than a day. */
export function preferences<T>(cache: Cache, user: string, load: () => Promise<T>): Promise<Jsonified<T>> {
  return cache.getOrSet(`preferences:${user}`, load, { expiration: '30m', sliding: true, maxAge: '1d' })
}
