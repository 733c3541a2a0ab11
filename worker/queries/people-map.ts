import { sql } from 'drizzle-orm'
import { cities } from '../cities-schema.ts'
import { queried, type Services } from '../database.ts'

/** In degrees. A quarter gives about 42,000 cells, enough to recognise the coasts. */
export const CELL_DEGREES = 0.25
const COLUMNS = 360 / CELL_DEGREES

/**
 * The inhabited cells of a grid, from the north-west on.
 *
 * `steps` has the distance from one cell's number to the next. `levels` has the decimal logarithm of its population, in tenths.
 * The numbers are small, so the whole world takes some 300 KB of JSON.
 */
export async function peopleMap({ db }: Services) {
  const { lat, lng, population } = cities
  const row = sql`floor((90 - ${lat}) / ${CELL_DEGREES}::float8)::int`
  const column = sql`floor((${lng} + 180) / ${CELL_DEGREES}::float8)::int % ${COLUMNS}::int`
  const result = await queried(
    db.execute<{ steps: number[] | null; levels: number[] | null }>(sql`
      with cells as (
        select ${row} * ${COLUMNS}::int + ${column} as cell, round(10 * log(10 + sum(${population})))::int as level
        from ${cities} group by 1
      )
      select json_agg(cell - previous order by cell) as steps, json_agg(level order by cell) as levels
      from (select cell, level, lag(cell, 1, 0) over (order by cell) as previous from cells) as ordered`),
  )
  const found = result.rows[0]
  return { cellDegrees: CELL_DEGREES, columns: COLUMNS, steps: found?.steps ?? [], levels: found?.levels ?? [] }
}
