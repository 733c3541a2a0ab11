import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

/** The mean radius of the Earth, IUGG. */
const EARTH_RADIUS_KM = 6371.0088

type Coordinate = SQLWrapper | number

/** Kilometres along the great circle, by the haversine formula, which is exact enough for short distances too. */
export function kilometres(
  a: { lat: Coordinate; lng: Coordinate },
  b: { lat: Coordinate; lng: Coordinate },
): SQL<number> {
  const half = (from: Coordinate, to: Coordinate) =>
    sql`power(sin(radians((${to})::float8 - (${from})::float8) / 2), 2)`
  const cosine = (angle: Coordinate) => sql`cos(radians((${angle})::float8))`
  // For opposite points, rounding may exceed 1, which asin refuses. Hence least().
  return sql<number>`2 * ${EARTH_RADIUS_KM}::float8 * asin(sqrt(least(1,
    ${half(a.lat, b.lat)} + ${cosine(a.lat)} * ${cosine(b.lat)} * ${half(a.lng, b.lng)})))`
}
