import type { Cache } from 'pgstash'

/** Counts a view, and answers with the views of this day. */
export function countView(cache: Cache, page: string): Promise<number> {
  // The first view of a day starts its counter, and with it the day.
  return cache.increment(`views:${page}`, 1, { expiration: '1d' })
}

/** Lets five attempts a minute through. */
export async function logIn(cache: Cache, address: string): Promise<Response> {
  const { allowed, resetMs } = await cache.limit(`login:${address}`, { limit: 5, period: '1m' })
  if (allowed) return new Response('Welcome')
  const seconds = Math.ceil(resetMs / 1000)
  return new Response('Too many attempts', { status: 429, headers: { 'retry-after': String(seconds) } })
}
