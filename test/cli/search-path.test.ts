/** A search_path without an existing schema: no migration can fix it. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { run, WAYS, type Way } from './command.ts'

async function environmentOf(url: string, way: Way): Promise<Record<string, string>> {
  if (way === 'over TCP') return { DATABASE_URL: url }
  const { server } = await createNeon(url)
  return { DATABASE_URL: server.connectionString, NEON_FETCH_ENDPOINT: server.endpoint }
}

async function databaseWith(searchPath: string): Promise<string> {
  const url = await createDatabase()
  const name = new URL(url).pathname.slice(1)
  await createPool(url).query(`alter database ${name} set search_path = ${searchPath}`)
  return url
}

async function expectFault(args: string[], environment: Record<string, string>): Promise<void> {
  const { code, err } = await run(args, environment)
  expect([args, code, err]).toEqual([args, 3, expect.stringContaining('The search_path names no schema that exists')])
  expect(err).not.toContain('migrate')
}

describe.each(WAYS)('a search_path without an existing schema, %s', (way) => {
  it('is reported as the cause by every command', async () => {
    const environment = await environmentOf(await databaseWith('nope'), way)
    for (const name of ['migrate', 'get k', 'set k 1', 'increment k', 'stats', 'export', 'watch t']) {
      await expectFault(name.split(' '), environment)
    }
    const { code, out } = await run(['doctor'], environment)
    expect([code, out]).toEqual([1, expect.stringContaining('The search_path names no schema that exists')])
    expect(out).not.toContain('pgstash migrate')
  })

  it.each(['"$user"', 'pg_temp', "''"])('may be %s', async (searchPath) => {
    const environment = await environmentOf(await databaseWith(searchPath), way)
    for (const args of [['migrate'], ['get', 'k']]) await expectFault(args, environment)
  })

  it('has no effect with --schema', async () => {
    const environment = await environmentOf(await databaseWith('nope'), way)
    expect((await run(['get', 'k', '--schema', 'own'], environment)).err).toContain('run `pgstash migrate`')
    expect((await run(['migrate', '--schema', 'own'], environment)).code).toBe(0)
    expect((await run(['set', 'k', '1', '--schema', 'own'], environment)).code).toBe(0)
  })

  it('causes no error if another of its schemas exists', async () => {
    const environment = await environmentOf(await databaseWith('nope, public'), way)
    expect((await run(['get', 'k'], environment)).err).toContain('run `pgstash migrate`')
    expect((await run(['migrate'], environment)).code).toBe(0)
  })
})

it('options of the connection string may set such a search_path', async () => {
  const url = `${await createDatabase()}?options=-c%20search_path%3Dnope`
  const { code, err } = await run(['migrate', '--database-url', url])
  expect([code, err]).toEqual([3, expect.stringContaining('The search_path names no schema')])
  expect(err).not.toContain('pgstash migrate')
})

it('a schema that the role may not use counts as missing', async () => {
  const url = await createDatabase()
  const pool = createPool(url)
  const role = `role_${crypto.randomUUID().slice(0, 8)}`
  await pool.query(`create role ${role} login password 'own'; revoke usage on schema public from public`)
  const own = new URL(url)
  own.username = role
  own.password = 'own'
  const { code, err } = await run(['get', 'k'], { DATABASE_URL: own.href })
  await pool.query(`drop role ${role}`)
  expect([code, err]).toEqual([3, expect.stringContaining('that exists and that the role may use')])
})

describe('errors of the library', () => {
  it('do not advise migrate(db) in migrate(db)', async () => {
    const db = drizzle(createPool(await databaseWith('nope')))
    const refusal = migrate(db)
    await expect(refusal).rejects.toMatchObject({
      sqlState: '3F000',
      message: expect.stringMatching(/^The search_path names no schema that exists .+ cacheTables\(\{ schema \}\)\.$/),
    })
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringMatching(/migrate/) })
    await migrate(db, { tables: cacheTables({ schema: 'own' }) })
  })

  it('name the search_path as a possible cause of missing tables', async () => {
    const cache = createCache(drizzle(createPool(await databaseWith('nope'))))
    await expect(cache.get('k')).rejects.toMatchObject({
      sqlState: '42P01',
      message: expect.stringContaining('If the search_path names no schema that exists, correct it first.'),
    })
  })
})
