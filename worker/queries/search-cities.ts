import { desc, ilike } from 'drizzle-orm'
import { cities } from '../cities-schema.ts'
import { queried, type Services } from '../database.ts'

const RESULTS = 8

/** The most populous cities whose name begins with the text. */
export function searchCities({ db }: Services, text: string) {
  const { id, name, country, population, lat, lng } = cities
  const pattern = `${text.replace(/[\\%_]/g, '\\$&')}%`
  return queried(
    db
      .select({ id, name, country, population, lat, lng })
      .from(cities)
      .where(ilike(name, pattern))
      .orderBy(desc(population), id)
      .limit(RESULTS),
  )
}
