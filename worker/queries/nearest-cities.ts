import { asc, sql } from 'drizzle-orm'
import { cities } from '../cities-schema.ts'
import { queried, type Services } from '../database.ts'
import type { Place } from '../parameters.ts'
import { kilometres } from './distance.ts'

/** Places are counted within these distances. */
const AROUND_KM = [10, 100, 1000] as const

/**
 * The cities around a point, the nearest first, and the number of places within some distances. Without PostGIS, the query
 * computes the distance to each city.
 */
export async function nearestCities({ db }: Services, place: Place, limit: number) {
  const { id, name, country, population, lat, lng } = cities
  const km = kilometres(place, { lat, lng }).as('km')
  const away = db.$with('away').as(db.select({ id, name, country, population, lat, lng, km }).from(cities))
  const counts = AROUND_KM.map((within) => sql`count(*) filter (where km <= ${within}::int)`)
  const around = sql<number[]>`(select json_build_array(${sql.join(counts, sql`, `)}) from away)`
  const rows = await queried(
    db
      .with(away)
      .select({
        id: away.id,
        name: away.name,
        country: away.country,
        population: away.population,
        lat: away.lat,
        lng: away.lng,
        km: away.km,
        around,
      })
      .from(away)
      .orderBy(asc(away.km), away.id)
      .limit(limit),
  )
  const places = rows[0]?.around ?? []
  return {
    around: AROUND_KM.map((within, index) => ({ km: within, places: places[index] ?? 0 })),
    cities: rows.map(({ around: _, ...city }) => ({ ...city, km: Math.round(city.km * 100) / 100 })),
  }
}
