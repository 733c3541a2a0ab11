/** The demonstration's data: places of 1,000 people or more, from GeoNames. `start/load-cities.mjs` fills the table. */
import { doublePrecision, index, integer, pgSchema, text } from 'drizzle-orm/pg-core'

// The demonstration has its own schema, because DATABASE_URL may lead to a database that has a table `cities` already.
const demo = pgSchema('pgstash_demo')

export const cities = demo.table(
  'cities',
  {
    /** The id that GeoNames gives the place. */
    id: integer('id').primaryKey(),
    name: text('name').notNull(),
    /** ISO 3166-1 alpha-2. */
    country: text('country').notNull(),
    /** GeoNames' code of the first administrative division. Codes are unique within a country only. */
    admin: text('admin').notNull(),
    /** GeoNames' feature code: `PPLC` is a capital, `PPLA` the seat of a first-order division. */
    feature: text('feature').notNull(),
    population: integer('population').notNull(),
    lat: doublePrecision('lat').notNull(),
    lng: doublePrecision('lng').notNull(),
  },
  (t) => [index('cities_country_idx').on(t.country)],
)

export type City = typeof cities.$inferSelect
