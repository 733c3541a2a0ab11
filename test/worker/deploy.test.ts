import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { expect, it } from 'vitest'
import { cities } from '../../worker/cities-schema.ts'
import { loadCities } from '../../worker/start/load-cities.mjs'
import { cleanup } from '../setup/cleanup.ts'
import { CITIES, ROOT, startDemo } from './harness.ts'

const run = promisify(execFile)

it('wrangler deploy --dry-run bundles the worker offline, without any module of Node', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-deploy-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  const { stdout } = await run(
    process.execPath,
    ['node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', folder],
    {
      cwd: ROOT,
      env: { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false' },
    },
  )
  expect(stdout).toContain('--dry-run: exiting now.')
  const bundle = await readFile(join(folder, 'index.js'), 'utf8')
  expect(bundle).not.toMatch(/(?:from|import|require)\s*\(?\s*["'](?:node:|fs|path|crypto|buffer)["']?/)
  expect((await readdir(folder)).filter((name) => name.endsWith('.html'))).toHaveLength(1)
})

it('the worker imports pgstash only by its public names', async () => {
  const names = (await readdir(join(ROOT, 'worker'), { recursive: true })).filter((name) => /\.(ts|mjs)$/.test(name))
  const files = names.map((name) => readFile(join(ROOT, 'worker', name), 'utf8'))
  for (const text of await Promise.all(files)) expect(text).not.toMatch(/['"](\.\.\/)+(src|dist)\//)
})

it('the loaded table has the columns that the worker reads', async () => {
  const { sql } = await startDemo('PGlite')
  const found = await sql.query(
    `select column_name as name, data_type as type, is_nullable = 'NO' as required from information_schema.columns
     where table_schema = 'pgstash_demo' and table_name = 'cities' order by ordinal_position`,
  )
  const known = getTableConfig(cities).columns.map((column) => ({
    name: column.name,
    type: column.getSQLType(),
    required: column.notNull,
  }))
  expect(found).toEqual(known)
})

it('the loader adds missing cities wherever they are missing, and keeps changed ones', async () => {
  const { sql } = await startDemo('PGlite')
  const count = async () => (await sql.query('select count(*)::int as count from pgstash_demo.cities'))[0]?.count
  expect(await count()).toBe(CITIES)
  expect(await loadCities(sql, { limit: CITIES })).toEqual({ total: CITIES, loaded: 0 })
  await sql.query(`update pgstash_demo.cities set name = 'Changed' where id = 112931`)
  for (const missing of ['id > 150000', 'id % 7 = 0', 'true']) {
    await sql.query(`delete from pgstash_demo.cities where ${missing} and id <> 112931`)
    const steps: number[] = []
    await loadCities(sql, { limit: CITIES, onProgress: (loaded) => steps.push(loaded) })
    expect([await count(), steps.at(-1)]).toEqual([CITIES, CITIES])
    expect(steps).toEqual([...steps].sort((a, b) => a - b))
  }
  expect(await sql.query('select name from pgstash_demo.cities where id = 112931')).toEqual([{ name: 'Changed' }])
})
