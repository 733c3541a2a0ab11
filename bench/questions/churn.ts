import type pg from 'pg'
import type { Bench } from '../harness/bench.ts'
import { each, once } from '../harness/measure.ts'
import type { Case, Figure, Question } from '../harness/question.ts'
import { RAW_TABLE } from '../harness/raw-table.ts'
import { bySize } from '../harness/settings.ts'
import { one, openSites } from '../harness/site.ts'
import { textOf } from '../harness/values.ts'

const HOURS = 24
/** One hour of the day. */
const HOUR_MS = 1_000
const LIFETIME_HOURS = 2
const BATCH = 1_000
const MEGABYTE = 1e6

interface Place {
  readonly name: string
  readonly pool: pg.Pool
  readonly table: string
  write(keys: readonly string[]): Promise<unknown>
  touch(key: string): Promise<unknown>
  clean(): Promise<unknown>
}

const value = textOf(1_000)
const lifetimeMs = HOUR_MS * LIFETIME_HOURS

async function places(bench: Bench): Promise<Place[]> {
  const expiration = { milliseconds: lifetimeMs }
  const all = (await openSites(bench)).map(({ name, pool, cache }) => ({
    name,
    pool,
    table: 'cache_entries',
    write: (keys: readonly string[]) =>
      cache.setMany(
        keys.map((key) => [key, value]),
        { expiration },
      ),
    touch: (key: string) => cache.touch(key, expiration),
    clean: () => cache.clearExpired(),
  }))
  const pool = bench.createPool(await bench.createDatabase())
  await pool.query(`${RAW_TABLE}; create index on cache (expires_at)`)
  const later = `now() + interval '${lifetimeMs} milliseconds'`
  const write = `insert into cache (key, value, expires_at) select key, $2, ${later} from unnest($1::text[]) as key
    order by key on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`
  const raw: Place = {
    name: 'raw pg, index on expires_at',
    pool,
    table: 'cache',
    write: (keys) => pool.query(write, [keys, value]),
    touch: (key) => pool.query(`update cache set expires_at = ${later} where key = $1`, [key]),
    clean: () => pool.query('delete from cache where expires_at <= now()'),
  }
  return [...all, raw]
}

/** New keys, keys of the hour before that are written again, touches, and a cleanup. */
async function hour(place: Place, number: number, writes: number): Promise<void> {
  const endsAt = performance.now() + HOUR_MS
  const key = (of: number, i: number) => `hour:${of}:${i}`
  const batches = Array.from({ length: Math.ceil(writes / BATCH) }, (_, k) => k * BATCH)
  await each(batches, (from) => {
    const keys = Array.from({ length: BATCH }, (_, i) => key(i % 5 === 0 ? number - 1 : number, from + i))
    return place.write(keys)
  })
  await each(
    Array.from({ length: writes / 10 }, (_, i) => i),
    (i) => place.touch(key(number, i * 7)),
  )
  await place.clean()
  const left = endsAt - performance.now()
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
}

export default {
  title: 'Does a day of churn keep its size?',
  about: `A day in fast motion: an hour takes a second or more. Each hour writes new entries of 1,000 characters that live for two hours,
    overwrites a fifth as many, touches a tenth, and cleans up once. Autovacuum looks every second, as it would every hour of the day.
    The table should stop growing after the first hours.`,
  async run(bench) {
    const all = await places(bench)
    await all[0]?.pool.query(`alter system set autovacuum_naptime = '1s'`)
    await all[0]?.pool.query('select pg_reload_conf()')
    const writes = bySize(bench.settings, 1_000, 10_000, 50_000)
    const hours = bySize(bench.settings, 3, HOURS)
    const sizes: Case[] = []
    const rows: Case[] = []
    for (let number = 1; number <= hours; number++) {
      await Promise.all(all.map((place) => hour(place, number, writes)))
      if (number !== 1 && number % 3 !== 0) continue
      const bytes = []
      const live = []
      for (const { name, pool, table } of all) {
        const total = Number(await one(pool, `select pg_total_relation_size('${table}')`))
        bytes.push(once(name, total / MEGABYTE))
        live.push(once(name, Number(await one(pool, `select count(*) from ${table}`))))
      }
      sizes.push({ name: `hour ${number}`, cells: bytes })
      rows.push({ name: `hour ${number}`, cells: live })
    }
    return [
      { title: 'Table, TOAST and indexes by the hour', unit: 'megabytes', better: 'lower', cases: sizes },
      { title: 'Rows by the hour, expired ones included', unit: 'count', better: 'lower', cases: rows },
    ] satisfies Figure[]
  },
} satisfies Question
