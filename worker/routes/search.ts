import { Hono } from 'hono'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { BadRequestError } from '../errors.ts'
import { searchCities } from '../queries/search-cities.ts'

const MIN_LENGTH = 2
const MAX_LENGTH = 60

/**
 * `GET /cities/search?q=par`: cities by the beginning of their name.
 *
 * It is not cached. Each key stroke asks another question, and few are asked twice. A renamed city would also have to
 * invalidate every answer to which it now belongs.
 */
export const search = new Hono<AppEnv>().get('/', async (c) => {
  const text = (c.req.query('q') ?? '').trim().replaceAll('\0', '')
  if (text.length < MIN_LENGTH || text.length > MAX_LENGTH) {
    throw new BadRequestError(`Expected q to be ${MIN_LENGTH} to ${MAX_LENGTH} characters, got ${text.length}.`)
  }
  return c.json({ cities: await searchCities(servicesOf(c.env), text) }, 200, { 'cache-control': 'no-store' })
})
