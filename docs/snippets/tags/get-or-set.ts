import type { Cache } from 'pgstash'

export function report(cache: Cache, city: string, compute: () => Promise<string>): Promise<string> {
  return cache.getOrSet(`report:${city}`, compute, { expiration: '1h', tags: ['reports', `city:${city}`] })
}

/** After the change was committed: every report of the city, whatever its key and namespace. */
export function cityChanged(cache: Cache, city: string): Promise<void> {
  return cache.invalidate(`city:${city}`)
}
