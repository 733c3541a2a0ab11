import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle } from 'drizzle-orm/node-postgres'
import { withReplicas } from 'drizzle-orm/pg-core'
import { createCache, DatabaseError, type DatabaseSource, InvalidOptionError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { historyListener } from 'pgstash/telemetry'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let url: string

beforeAll(async () => {
  url = await createDatabase()
  await migrate(drizzle(createPool(url)))
})

const SECRET = 'postgresql://ada:secret@nowhere.invalid/shop'

describe('the RDS Data API', () => {
  const session = { constructor: { [Symbol.for('drizzle:entityKind')]: 'AwsDataApiSession' } }
  const method = () => {
    throw new Error('Nothing may be sent.')
  }
  const db = { select: method, with: method, execute: method, session }
  const text = /^Expected a driver other than the RDS Data API, .* 64 KB\. Use one for TCP, such as pg\.$/

  it('is refused before any request', async () => {
    expect(() => createCache(db)).toThrow(text)
    await expect(createCache(() => db).get('key')).rejects.toThrow(text)
    await expect(migrate(db)).rejects.toThrow(text)
  })

  it('is recognized by the name that Drizzle gives it', async () => {
    const source = await readFile('node_modules/drizzle-orm/aws-data-api/pg/session.js', 'utf8')
    expect(source).toContain('[entityKind] = "AwsDataApiSession"')
  })
})

describe('a function that returns the database', () => {
  it('is called at the first statement, and only once', async () => {
    const make = vi.fn(() => drizzle(createPool(url)))
    const cache = createCache(make)
    const nested = cache.namespace('nested')
    expect(make).not.toHaveBeenCalled()
    await Promise.all([cache.set('key', 1), nested.set('key', 2), cache.getOrSet('other', 3)])
    expect([await cache.get('key'), await nested.get('key'), await cache.get('other')]).toEqual([1, 2, 3])
    expect(make).toHaveBeenCalledTimes(1)
  })

  it('is not called for a call that is refused before any statement', async () => {
    const make = vi.fn(() => drizzle(createPool(url)))
    await expect(createCache(make).get('')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    expect(make).not.toHaveBeenCalled()
  })

  it('costs no extra round trips over HTTP', async () => {
    const { db, faults } = await createNeon(url)
    const cache = createCache(() => db)
    await cache.getOrSet('trips', 1)
    expect(faults.requests).toBe(2)
    await cache.getOrSet('trips', 2)
    expect(faults.requests).toBe(3)
  })

  it('may return a database with replicas, and writes go to the primary', async () => {
    const nowhere = drizzle(createPool('postgresql://nobody@127.0.0.1:9/none'))
    const cache = createCache(() => withReplicas(drizzle(createPool(url)), [nowhere]))
    await cache.set('replicated', 1)
    expect(await cache.get('replicated')).toBe(1)
  })

  it('is called again after it threw, and the error shows nothing of the thrown message', async () => {
    let connectionString: string | undefined
    const make = vi.fn(() => {
      if (connectionString === undefined) throw new TypeError(`No password in ${SECRET}`)
      return drizzle(createPool(connectionString))
    })
    const cache = createCache(make)
    const error = await cache.set('again', 1).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(error).toMatchObject({
      sent: false,
      message: 'The function that makes the database threw (TypeError): check its connection string.',
    })
    expect(inspect(error, { depth: 9 })).not.toMatch(/ada|secret|nowhere|password/)
    // The error comes at once, because an immediate second call would change nothing.
    expect(make).toHaveBeenCalledTimes(1)
    connectionString = url
    await cache.set('again', 2)
    expect(await cache.get('again')).toBe(2)
  })

  it('counts as a miss if it throws and onError is miss', async () => {
    const cache = createCache(
      () => {
        throw new Error('no variable')
      },
      { onError: 'miss' },
    )
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.getOrSet('key', () => 'computed')).toBe('computed')
    await expect(cache.delete('key')).rejects.toBeInstanceOf(DatabaseError)
  })

  it.each([undefined, null, 'text', {}, Promise.resolve()])(
    'rejects if it returns no database, whatever onError says',
    async (db) => {
      const cache = createCache(() => db as never, { onError: 'miss' })
      await expect(cache.get('key')).rejects.toBeInstanceOf(InvalidOptionError)
      await expect(cache.getOrSet('key', 1)).rejects.toBeInstanceOf(InvalidOptionError)
    },
  )

  it('may not return a transaction, because that would end before the cache does', async () => {
    await drizzle(createPool(url)).transaction(async (tx) => {
      await expect(createCache(() => tx).get('key')).rejects.toThrow('got a transaction')
    })
  })

  it('may be passed to historyListener', async () => {
    const make = vi.fn(() => drizzle(createPool(url)))
    const history = historyListener(make, { name: 'lazy' })
    expect(make).not.toHaveBeenCalled()
    const cache = createCache(make, { onEvent: history })
    await cache.get('missing')
    await history.flush()
    expect(make).toHaveBeenCalledTimes(2)
  })
})

it('createCache refuses at once a value that is neither a database nor a function', () => {
  for (const db of [undefined, null, {}, 'mysql://…', 42]) {
    expect(() => createCache(db as unknown as DatabaseSource)).toThrow(InvalidOptionError)
  }
})

it('imports a driver that has no connection string', async () => {
  const cache = createCache(() => drizzleNeon(''))
  await expect(cache.get('key')).rejects.toBeInstanceOf(DatabaseError)
})
