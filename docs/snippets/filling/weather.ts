import type { Cache, Fill } from 'pgstash'

interface Weather {
  celsius: number
}

/** Asks the weather service at most once in ten minutes, from all isolates together. */
export function weather(cache: Cache, city: string): Promise<Weather | null> {
  return cache.getOrSet(`weather:${city}`, (fill) => ask(city, fill), { expiration: '10m', stale: '1h' })
}

async function ask(city: string, fill: Fill): Promise<Weather | null> {
  const response = await fetch(`https://weather.example/${encodeURIComponent(city)}`, { signal: fill.signal })
  // Remember an unknown place as well, but for a shorter time.
  if (response.status === 404) {
    fill.expireIn('1m')
    return null
  }
  if (!response.ok) throw new Error(`The weather service answered ${response.status}.`)
  fill.tag('weather')
  return response.json() as Promise<Weather>
}
