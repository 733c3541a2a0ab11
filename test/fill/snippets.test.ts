import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { frontPage, preferences } from '../../docs/snippets/filling/hot.ts'
import { weather } from '../../docs/snippets/filling/weather.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance } from '../setup/postgres-store.ts'

const MINUTE_MS = 60_000

let db: ReturnType<typeof drizzle>
let cache: Cache
const origin = vi.fn<typeof fetch>()

beforeAll(async () => {
  db = drizzle(createPool(await createDatabase()))
  await migrate(db)
  cache = createCache(db)
})
beforeEach(async () => {
  await cache.clear()
  origin.mockReset()
  vi.stubGlobal('fetch', origin)
})
afterEach(() => vi.unstubAllGlobals())

describe('the examples on filling in the docs', () => {
  it('ask a weather service rarely, and hide its failures', async () => {
    origin.mockImplementation(async () => Response.json({ celsius: 21 }))
    expect(await weather(cache, 'Oslo')).toEqual({ celsius: 21 })
    expect(await weather(cache, 'Oslo')).toEqual({ celsius: 21 })
    expect(origin).toHaveBeenCalledTimes(1)
    await advance(db, 10 * MINUTE_MS)
    origin.mockImplementation(async () => new Response('', { status: 503 }))
    expect(await weather(cache, 'Oslo')).toEqual({ celsius: 21 })
    await cache.invalidate('weather')
    await expect(weather(cache, 'Oslo')).rejects.toThrow('503')
  })

  it('remember an unknown place for a minute', async () => {
    origin.mockImplementation(async () => new Response('', { status: 404 }))
    expect(await weather(cache, 'Nowhere')).toBe(null)
    expect(await weather(cache, 'Nowhere')).toBe(null)
    expect(origin).toHaveBeenCalledTimes(1)
    await advance(db, 2 * 60 * MINUTE_MS)
    expect(await weather(cache, 'Nowhere')).toBe(null)
    expect(origin).toHaveBeenCalledTimes(2)
  })

  it('keep a hot key and a sliding one', async () => {
    expect(await frontPage(cache, async () => '<h1>')).toBe('<h1>')
    expect(await preferences(cache, 'ada', async () => ({ dark: true }))).toEqual({ dark: true })
    await advance(db, 29 * MINUTE_MS)
    expect(await preferences(cache, 'ada', async () => ({ dark: false }))).toEqual({ dark: true })
  })
})
