import { type Context, Hono } from 'hono'
import { answer, cachedAnswers } from '../answers.ts'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { NotFoundError } from '../errors.ts'
import { countryParameter } from '../parameters.ts'
import { countryList } from '../queries/country-list.ts'
import { countryStatistics } from '../queries/country-statistics.ts'
import { cityTag, countryTag, WORLD_TAG } from '../tags.ts'

const codeOf = (c: Context<AppEnv>) => countryParameter(c.req.param('code') ?? '')

/** `GET /cities/countries` and `GET /cities/countries/FR`: statistics. */
export const countries = new Hono<AppEnv>()
  .get(
    '/',
    cachedAnswers(() => '/cities/countries'),
    async (c) => {
      const list = await countryList(servicesOf(c.env))
      // The world is tagged for the sums, and the cities because their names are shown.
      return answer(c, { countries: list }, [WORLD_TAG, ...list.map(({ largest }) => cityTag(largest.id))])
    },
  )
  .get(
    '/:code',
    cachedAnswers((c) => `/cities/countries/${codeOf(c)}`),
    async (c) => {
      const code = codeOf(c)
      const found = await countryStatistics(servicesOf(c.env), code)
      if (found === undefined) throw new NotFoundError(`No places of a country ${code} are known.`)
      const shown = [found.largest, found.capital, found.remotest].filter((city) => city !== null)
      // The tag of the country also covers cities that a new population could make large, or the largest.
      return answer(c, found, [countryTag(code), ...shown.map(({ id }) => cityTag(id))])
    },
  )
