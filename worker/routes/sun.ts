import { Hono } from 'hono'
import type { AppEnv } from '../env.ts'
import { placeParameter, wholeParameter } from '../parameters.ts'
import { cachedResponse } from '../response-cache.ts'
import { yearOfSun } from '../sun.ts'

/** Where the formulas are good. */
const FIRST_YEAR = 1901
const LAST_YEAR = 2099

/**
 * `GET /sun?lat=48.85&lng=2.35&year=2026`: sunrise and sunset of every day.
 *
 * Computed without the database, so it is also what one still gets while the database is away.
 */
export const sun = new Hono<AppEnv>().get('/', (c) => {
  const place = placeParameter((name) => c.req.query(name))
  const thisYear = new Date().getUTCFullYear()
  const year = wholeParameter('year', c.req.query('year'), FIRST_YEAR, LAST_YEAR, thisYear)
  return cachedResponse(c, {
    key: `/sun?lat=${place.lat}&lng=${place.lng}&year=${year}`,
    // Untagged: nothing that anybody could change.
    compute: () => ({ body: { place, year, days: yearOfSun(place.lat, place.lng, year) }, tags: [] }),
  })
})
