/** The demonstration's data: places of 1,000 people or more, from GeoNames. `start/load-cities.mjs` fills the table. */
import { doublePrecision, index, integer, pgSchema, text } from 'drizzle-orm/pg-core'

// A schema of its own: DATABASE_URL may be a database in which a table `cities` already means something else.
const demo = pgSchema('pgstash_demo')

export const cities = demo.table(
  'cities',
  {
    /** GeoNames' own id. */
    id: integer('id').primaryKey(),
    name: text('name').notNull(),
    /** ISO 3166-1 alpha-2. */
    country: text('country').notNull(),
    /** GeoNames' code of the first administrative division; only meaningful within a country. */
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
