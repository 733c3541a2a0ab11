/** The operations over HTTP that the table of goals names, in its order. */
import { neon } from '@neondatabase/serverless'
import type { Bench } from './bench.ts'
import { each } from './measure.ts'
import { RAW_TABLE } from './raw-table.ts'
import { openSite, type Site } from './site.ts'
import { at, KILOBYTE, sampleValue } from './values.ts'

export const OPERATIONS = ['get', 'sliding get', 'getOrSet hit', 'response hit', 'limit', 'increment', 'set'] as const
export type Operation = (typeof OPERATIONS)[number]

export const BASELINE = 'raw neon() select by key'

/** Run by name, so that the same code measures the time, the bytes and the work in the database. */
export interface HttpSite {
  readonly name: string
  readonly database: string
  readonly operations: Readonly<Record<string, (i: number) => Promise<unknown>>>
}

const KEYS = Array.from({ length: 200 }, (_, i) => `product:${i}`)
const expiration = '1h'
const rule = { limit: 1_000_000_000, period: expiration } as const

function compute(): never {
  throw new Error('The benchmark expected a hit.')
}

async function responses(site: Site, cache: Site['cache']): Promise<(i: number) => Promise<unknown>> {
  const { withResponseCache } = await site.checkout.entry<typeof import('pgstash/fetch')>('fetch')
  const body = JSON.stringify(sampleValue(KILOBYTE))
  let computed = 0
  const background: Promise<unknown>[] = []
  const handle = withResponseCache(
    async (_request: Request) => {
      computed++
      return new Response(body, { headers: { 'cache-control': 'max-age=3600', 'content-type': 'application/json' } })
    },
    { cache, waitUntil: (work) => void background.push(work) },
  )
  const request = async (i: number) => {
    const response = await handle(new Request(`https://example.com/products/${i % KEYS.length}`))
    return response.text()
  }
  await each(KEYS, (_, i) => request(i))
  await Promise.all(background)
  const before = computed
  await each(KEYS, (_, i) => request(i))
  if (computed !== before) throw new Error('The benchmark expected cached responses.')
  return request
}

async function openHttpSite(bench: Bench, site: Site): Promise<HttpSite> {
  const { checkout, database } = site
  // Compared with a select, a write must not wait for the disk. The wait would hide what the statements cost.
  await site.pool.query(`alter database ${new URL(database).pathname.slice(1)} set synchronous_commit = off`)
  const cache = checkout.cache(checkout.overNeon(await bench.neon(database)))
  const values = Array.from({ length: 7 }, (_, i) => sampleValue(KILOBYTE, i))
  await each(KEYS, (key, i) => cache.set(key, sampleValue(KILOBYTE, i), { expiration }))
  await each(KEYS, (key, i) => cache.set(`sliding:${key}`, sampleValue(KILOBYTE, i), { expiration: '2h' }))
  const key = (i: number) => at(KEYS, i)
  const operations: Record<Operation, (i: number) => Promise<unknown>> = {
    get: (i) => cache.get(key(i)),
    'sliding get': (i) => cache.get(`sliding:${key(i)}`, { sliding: expiration }),
    'getOrSet hit': (i) => cache.getOrSet(key(i), compute, { expiration }),
    'response hit': await responses(site, cache),
    limit: (i) => cache.limit(`limit:${key(i)}`, rule),
    increment: (i) => cache.increment(`counter:${key(i)}`, 1, { expiration }),
    set: (i) => cache.set(`written:${key(i)}`, at(values, i), { expiration }),
  }
  // A new counter and a new key cost more than those that exist.
  for (const run of Object.values(operations)) await each(KEYS, (_, i) => run(i))
  return { name: site.name, database, operations }
}

/** The raw select first, then each version of pgstash. */
export async function openHttpSites(bench: Bench): Promise<HttpSite[]> {
  const database = await bench.createDatabase()
  const pool = bench.createPool(database, { max: 1 })
  await pool.query(RAW_TABLE)
  for (const [i, key] of KEYS.entries()) {
    await pool.query('insert into cache values ($1, $2)', [key, JSON.stringify(sampleValue(KILOBYTE, i))])
  }
  const sql = neon(await bench.neon(database))
  const select = async (i: number) => {
    const [row] = await sql.query('select value from cache where key = $1', [at(KEYS, i)])
    return JSON.parse(row?.value)
  }
  const sites: HttpSite[] = [{ name: BASELINE, database, operations: { select } }]
  for (const checkout of bench.checkouts) sites.push(await openHttpSite(bench, await openSite(bench, checkout)))
  return sites
}
