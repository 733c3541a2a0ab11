import { type Context, Hono } from 'hono'
import { answer, cachedAnswers } from '../answers.ts'
import type { AppEnv } from '../env.ts'
import { placeParameter, wholeParameter } from '../parameters.ts'
import { yearOfSun } from '../sun.ts'

/** The years for which the formulas are good. */
const FIRST_YEAR = 1901
const LAST_YEAR = 2099

function asked(c: Context<AppEnv>) {
  const place = placeParameter((name) => c.req.query(name))
  const thisYear = new Date().getUTCFullYear()
  return { place, year: wholeParameter('year', c.req.query('year'), FIRST_YEAR, LAST_YEAR, thisYear) }
}

function question(c: Context<AppEnv>): string {
  const { place, year } = asked(c)
  return `/sun?lat=${place.lat}&lng=${place.lng}&year=${year}`
}

/**
 * `GET /sun?lat=48.85&lng=2.35&year=2026`: sunrise and sunset of every day.
 *
 * It needs no database, so it answers even if the database is unreachable.
 */
export const sun = new Hono<AppEnv>().get('/', cachedAnswers(question), (c) => {
  const { place, year } = asked(c)
  // It has no tags, because nobody can change the sun.
  return answer(c, { place, year, days: yearOfSun(place.lat, place.lng, year) })
})
