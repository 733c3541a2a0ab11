import { sql } from 'drizzle-orm'
import { cities } from '../cities-schema.ts'
import { queried, type Services } from '../database.ts'

export interface CountrySummary {
  country: string
  places: number
  people: number
  medianPlace: number
  largest: { id: number; name: string; population: number }
}

/** All countries. The most populous comes first. */
export async function countryList({ db }: Services): Promise<CountrySummary[]> {
  const { country, population, id, name } = cities
  const result = await queried(
    db.execute<{ countries: CountrySummary[] }>(sql`
      with largest as (
        select distinct on (${country}) ${country} as code,
          json_build_object('id', ${id}, 'name', ${name}, 'population', ${population}) as city
        from ${cities} order by ${country}, ${population} desc, ${id}
      ), totals as (
        select ${country} as code, count(*) as places, sum(${population}) as people,
          round(percentile_cont(0.5) within group (order by ${population})) as median
        from ${cities} group by ${country}
      )
      select coalesce(json_agg(json_build_object('country', code, 'places', places, 'people', people,
        'medianPlace', median, 'largest', city) order by people desc, code), '[]') as countries
      from totals join largest using (code)`),
  )
  return result.rows[0]?.countries ?? []
}
