import { type Context, Hono } from 'hono'
import { answer, cachedAnswers } from '../answers.ts'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { placeParameter, wholeParameter } from '../parameters.ts'
import { nearestCities } from '../queries/nearest-cities.ts'
import { cityTag } from '../tags.ts'

const MAX_CITIES = 50
const DEFAULT_CITIES = 10

function asked(c: Context<AppEnv>) {
  const place = placeParameter((name) => c.req.query(name))
  return { place, limit: wholeParameter('limit', c.req.query('limit'), 1, MAX_CITIES, DEFAULT_CITIES) }
}

function question(c: Context<AppEnv>): string {
  const { place, limit } = asked(c)
  return `/cities/near?lat=${place.lat}&lng=${place.lng}&limit=${limit}`
}

/** `GET /cities/near?lat=48.85&lng=2.35&limit=10`: the nearest cities. */
export const near = new Hono<AppEnv>().get('/', cachedAnswers(question), async (c) => {
  const { place, limit } = asked(c)
  const found = await nearestCities(servicesOf(c.env), place, limit)
  // Only the listed cities are tags. Which cities are listed or counted depends on positions, which nobody can change.
  const tags = found.cities.map((city) => cityTag(city.id))
  return answer(c, { place, ...found }, tags)
})
