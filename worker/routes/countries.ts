import { Hono } from 'hono'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { NotFoundError } from '../errors.ts'
import { countryParameter } from '../parameters.ts'
import { countryList } from '../queries/country-list.ts'
import { countryStatistics } from '../queries/country-statistics.ts'
import { cachedResponse } from '../response-cache.ts'
import { cityTag, countryTag, WORLD_TAG } from '../tags.ts'

/** `GET /cities/countries` and `GET /cities/countries/FR`: statistics. */
export const countries = new Hono<AppEnv>()
  .get('/', (c) =>
    cachedResponse(c, {
      key: '/cities/countries',
      async compute() {
        const list = await countryList(servicesOf(c.env))
        // The world for the sums; the cities because their names are shown.
        return { body: { countries: list }, tags: [WORLD_TAG, ...list.map(({ largest }) => cityTag(largest.id))] }
      },
    }),
  )
  .get('/:code', (c) => {
    const code = countryParameter(c.req.param('code'))
    return cachedResponse(c, {
      key: `/cities/countries/${code}`,
      async compute() {
        const found = await countryStatistics(servicesOf(c.env), code)
        if (found === undefined) throw new NotFoundError(`No places of a country ${code} are known.`)
        const shown = [found.largest, found.capital, found.remotest].filter((city) => city !== null)
        // The country also stands for cities that a new population would make the largest, or a large one.
        return { body: found, tags: [countryTag(code), ...shown.map(({ id }) => cityTag(id))] }
      },
    })
  })
