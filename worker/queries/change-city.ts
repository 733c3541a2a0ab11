import { sql } from 'drizzle-orm'
import { type City, cities } from '../cities-schema.ts'
import { queried, type Services } from '../database.ts'

export interface CityChange {
  name?: string
  population?: number
}

export interface ChangedCity {
  city: Pick<City, 'id' | 'name' | 'country' | 'population' | 'lat' | 'lng'>
  /** The changed fields. Empty if the city had these values already. */
  changed: (keyof CityChange)[]
}

/** Changes a city in one statement, and returns the changed fields. Returns undefined if the city does not exist. */
export async function changeCity(
  { db }: Services,
  cityId: number,
  change: CityChange,
): Promise<ChangedCity | undefined> {
  const { id, name, country, population, lat, lng } = cities
  const result = await queried(
    db.execute<ChangedCity['city'] & { old_name: string; old_population: number }>(sql`
      with old as (select ${id}, ${name}, ${population} from ${cities} where ${id} = ${cityId} for update)
      update ${cities} set
        name = coalesce(${change.name ?? null}::text, old.name),
        population = coalesce(${change.population ?? null}::int, old.population)
      from old where ${cities}.id = old.id
      returning ${id}, ${name}, ${country}, ${population}, ${lat}, ${lng},
        old.name as old_name, old.population as old_population`),
  )
  const [row] = result.rows
  if (row === undefined) return undefined
  const { old_name, old_population, ...city } = row
  const changed: ChangedCity['changed'] = []
  if (city.name !== old_name) changed.push('name')
  if (city.population !== old_population) changed.push('population')
  return { city, changed }
}
