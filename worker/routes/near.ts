import { Hono } from 'hono'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { placeParameter, wholeParameter } from '../parameters.ts'
import { nearestCities } from '../queries/nearest-cities.ts'
import { cachedResponse } from '../response-cache.ts'
import { cityTag } from '../tags.ts'

const MAX_CITIES = 50
const DEFAULT_CITIES = 10

/** `GET /cities/near?lat=48.85&lng=2.35&limit=10`: the nearest cities. */
export const near = new Hono<AppEnv>().get('/', (c) => {
  const place = placeParameter((name) => c.req.query(name))
  const limit = wholeParameter('limit', c.req.query('limit'), 1, MAX_CITIES, DEFAULT_CITIES)
  return cachedResponse(c, {
    key: `/cities/near?lat=${place.lat}&lng=${place.lng}&limit=${limit}`,
    async compute() {
      const found = await nearestCities(servicesOf(c.env), place, limit)
      // The cities that are listed, and no others: who is listed or counted depends on positions,
      // which nobody can change.
      return { body: { place, ...found }, tags: found.cities.map((city) => cityTag(city.id)) }
    },
  })
})
