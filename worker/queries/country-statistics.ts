import { sql } from 'drizzle-orm'
import { cities } from '../cities-schema.ts'
import { queried, type Services } from '../database.ts'
import { kilometres } from './distance.ts'

/** A city counts as large from this population on. */
const LARGE_CITY_PEOPLE = 500_000

interface Named {
  id: number
  name: string
  population: number
}

export interface CountryStatistics {
  country: string
  places: number
  people: number
  medianPlace: number
  /** The share of all people that live in the ten largest places. */
  shareOfTenLargest: number | null
  largest: Named
  capital: Named | null
  /** The mean distance of an inhabitant from the capital. */
  kmToCapital: number | null
  /** The mean distance of an inhabitant from the nearest large city of the country. */
  kmToLargeCity: number | null
  /** The place from which the nearest large city is the furthest. */
  remotest: (Named & { km: number }) | null
}

/** Statistics of one country. Undefined if no place of it is known. */
export async function countryStatistics({ db }: Services, code: string): Promise<CountryStatistics | undefined> {
  const { id, name, country, population, lat, lng, feature } = cities
  const of = (alias: string) => ({ lat: sql.raw(`${alias}.lat`), lng: sql.raw(`${alias}.lng`) })
  const result = await queried(
    db.execute<{ statistics: CountryStatistics | null }>(sql`
      with places as materialized (
        select ${id}, ${name}, ${population}, ${lat}, ${lng}, ${feature},
          row_number() over (order by ${population} desc, ${id}) as rank
        from ${cities} where ${country} = ${code}
      ), capital as (
        select * from places where feature = 'PPLC' order by rank limit 1
      ), large as (
        select * from places where population >= ${LARGE_CITY_PEOPLE}::int
      ), away as (
        select p.id, p.name, p.population, min(${kilometres(of('p'), of('l'))}) as km
        from places p cross join large l group by p.id, p.name, p.population
      ), totals as (
        select count(*) as places, sum(population) as people,
          round(percentile_cont(0.5) within group (order by population)) as median,
          sum(population) filter (where rank <= 10) as ten from places
      )
      select json_build_object(
        'country', ${code}::text, 'places', t.places, 'people', t.people, 'medianPlace', t.median,
        'shareOfTenLargest', round(t.ten::numeric / nullif(t.people, 0), 3),
        'largest', (select json_build_object('id', id, 'name', name, 'population', population) from places where rank = 1),
        'capital', (select json_build_object('id', id, 'name', name, 'population', population) from capital),
        'kmToCapital', (select round((sum(p.population * ${kilometres(of('p'), of('c'))}) / nullif(sum(p.population), 0))::numeric, 1)
          from places p cross join capital c),
        'kmToLargeCity', (select round((sum(population * km) / nullif(sum(population), 0))::numeric, 1) from away),
        'remotest', (select json_build_object('id', id, 'name', name, 'population', population, 'km', round(km::numeric, 1))
          from away order by away.km desc, id limit 1)
      ) as statistics
      from totals t where t.places > 0`),
  )
  return result.rows[0]?.statistics ?? undefined
}
