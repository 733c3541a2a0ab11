import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { SLIDING_SECONDS } from '../answers.ts'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { BadRequestError, DataUnavailableError, NotFoundError } from '../errors.ts'
import { wholeParameter } from '../parameters.ts'
import { type ChangedCity, type CityChange, changeCity } from '../queries/change-city.ts'
import { sameSiteWrites } from '../same-site.ts'
import { cityTag, countryTag, WORLD_TAG } from '../tags.ts'

/** The maximum of an `integer` column. */
const MAX_INTEGER = 2 ** 31 - 1
/** More than the population of the largest city. */
const MAX_POPULATION = 100_000_000
const MAX_NAME_LENGTH = 100
const MAX_BODY_BYTES = 2_000

/** `PATCH /cities/2988507` with `{ "name"?, "population"? }`: changes a city and drops the answers that it affects. */
export const city = new Hono<AppEnv>().patch(
  '/:id',
  sameSiteWrites,
  bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => tooLarge() }),
  async (c) => {
    const id = wholeParameter('the id', c.req.param('id'), 1, MAX_INTEGER, 0)
    const change = checkedChange(await c.req.json().catch(() => undefined))
    const services = servicesOf(c.env)
    const result = await changeCity(services, id, change)
    if (result === undefined) throw new NotFoundError(`There is no city ${id}.`)
    const tags = affectedTags(result)
    // Invalidates after the commit. Readers see the new city from here on. Answers computed from the old one are rejected,
    // even if they are stored later.
    await services.cache.invalidate(tags).catch(() => {
      throw new DataUnavailableError(
        `The city was changed, but answers up to ${SLIDING_SECONDS} seconds old may still show it as it was.`,
      )
    })
    return c.json({ ...result, invalidated: tags }, 200, { 'cache-control': 'no-store' })
  },
)

/**
 * The tags of answers that show the city. If its population changed, also of answers that add up or compare its country or the
 * world, because the city may have become the largest, or may no longer be it. Lists of nearest cities depend on positions only,
 * so a change never adds a city to one.
 */
function affectedTags({ city: { id, country }, changed }: ChangedCity): string[] {
  if (changed.length === 0) return []
  return changed.includes('population') ? [cityTag(id), countryTag(country), WORLD_TAG] : [cityTag(id)]
}

function checkedChange(body: unknown): CityChange {
  const expected = `a JSON object with "name" (1 to ${MAX_NAME_LENGTH} characters), "population" (a whole number from 0 to ${MAX_POPULATION}), or both`
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequestError(`Expected ${expected}.`)
  const { name, population, ...rest } = body as Record<string, unknown>
  const unknown = Object.keys(rest).length > 0
  if (unknown || (name === undefined && population === undefined) || !isName(name) || !isPopulation(population)) {
    throw new BadRequestError(`Expected ${expected}.`)
  }
  return { ...(name === undefined ? {} : { name: name.trim() }), ...(population === undefined ? {} : { population }) }
}

function isName(name: unknown): name is string | undefined {
  if (name === undefined) return true
  return (
    typeof name === 'string' &&
    name.trim() !== '' &&
    name.length <= MAX_NAME_LENGTH &&
    !name.includes('\0') &&
    name.isWellFormed()
  )
}

function isPopulation(population: unknown): population is number | undefined {
  if (population === undefined) return true
  return (
    typeof population === 'number' && Number.isInteger(population) && population >= 0 && population <= MAX_POPULATION
  )
}

function tooLarge(): Response {
  return Response.json({ error: `Expected a body of at most ${MAX_BODY_BYTES} bytes.` }, { status: 413 })
}
