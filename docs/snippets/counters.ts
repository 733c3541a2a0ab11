import type { Cache } from 'pgstash'

/** Counts a view, and returns how many there were since the counter started. */
export function countView(cache: Cache, page: string): Promise<number> {
  // The first view creates the counter, which ends a day later. Later views keep its deadline.
  return cache.increment(`views:${page}`, 1, { expiration: '1d' })
}

/** Allows five attempts a minute. */
export async function logIn(cache: Cache, address: string): Promise<Response> {
  const { allowed, resetMs } = await cache.limit(`login:${address}`, { limit: 5, period: '1m' })
  if (allowed) return new Response('Welcome')
  const seconds = Math.ceil(resetMs / 1000)
  return new Response('Too many attempts', { status: 429, headers: { 'retry-after': String(seconds) } })
}
