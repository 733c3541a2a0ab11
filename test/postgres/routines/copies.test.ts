/** Databases that were copied, or restored from a dump. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { expect, inject, it } from 'vitest'
import { ROUTINE_PARAMETERS } from '../../../src/postgres/routines/generated.ts'
import { cleanup } from '../../setup/cleanup.ts'
import { createDatabase, createPool } from '../../setup/databases.ts'
import { createNeon } from '../../setup/neon.ts'
import { createSite, installed, isCall } from './site.ts'

const COUNT = Object.keys(ROUTINE_PARAMETERS).length

/** 0 if pg_dump is missing. It refuses servers that are newer than itself. */
const dumpVersion = (() => {
  try {
    return Number(/ (\d+)/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[1])
  } catch {
    return 0
  }
})()

const works = async (url: string) => {
  const pool = createPool(url)
  const before = await installed(pool)
  expect(before.length).toBe(COUNT)
  const neon = await createNeon(url)
  const cache = createCache(neon.db, { tables: cacheTables(), timeout: 60_000 })
  expect(await cache.get('key')).toBe(1)
  await cache.set('key', 2)
  expect(neon.faults.log.map(({ sql }) => isCall(sql[0] ?? ''))).toEqual([true, true])
  await migrate(neon.db)
  expect(await installed(pool)).toEqual(before)
}

it('a database created from a template has its routines', async () => {
  const source = await createDatabase()
  const client = new pg.Client(source)
  await client.connect()
  const db = drizzle(client)
  await migrate(db)
  await createCache(db).set('key', 1)
  await client.end()
  const copy = new URL(source)
  copy.pathname += '_copy'
  const admin = createPool(inject('databaseUrl'))
  await admin.query(`create database ${copy.pathname.slice(1)} template ${new URL(source).pathname.slice(1)}`)
  cleanup(() => admin.query(`drop database ${copy.pathname.slice(1)} with (force)`))
  await works(copy.href)
})

it('a dump contains the routines, including those of a schema whose name needs quotes', async ({ skip }) => {
  const site = await createSite({})
  const { rows } = await site.pool.query("select current_setting('server_version_num')::int / 10000 as version")
  skip(dumpVersion < rows[0].version, `pg_dump of version ${rows[0].version} or newer is not in PATH`)
  await migrate(site.db, { tables: cacheTables({ schema: 'my "own" $$', prefix: "it's_" }) })
  await site.create().set('key', 1)
  const [restored, file] = [await createDatabase(), join(await mkdtemp(join(tmpdir(), 'pgstash-dump-')), 'dump.sql')]
  cleanup(() => rm(dirname(file), { recursive: true }))
  execFileSync('pg_dump', ['--no-owner', '--file', file, site.url])
  execFileSync('psql', ['--quiet', '--set', 'ON_ERROR_STOP=1', '--file', file, restored])
  const pool = createPool(restored)
  expect((await installed(pool)).length).toBe(2 * COUNT)
  await migrate(drizzle(pool), { tables: cacheTables({ schema: 'my "own" $$', prefix: "it's_" }), routines: false })
  await works(restored)
})
