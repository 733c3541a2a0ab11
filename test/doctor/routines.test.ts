/** The findings of doctor about routines, on a real server. */

import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { type MigrateOptions, migrate } from 'pgstash/migrate'
import { cacheTables, defaultTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/examine.ts'
import { ROUTINE_PARAMETERS, ROUTINE_VERSION } from '../../src/postgres/routines/generated.ts'
import { routineName } from '../../src/postgres/routines/routine-call.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { asRole, createRole } from '../postgres/routines/site.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const COUNT = Object.keys(ROUTINE_PARAMETERS).length
const READ = routineName(defaultTables, 'read_one')

async function createPatient(options: MigrateOptions = {}) {
  const url = await createDatabase()
  const pool = createPool(url)
  await migrate(drizzle(pool), options)
  const said = async (isHttp = true, from: pg.Pool = pool): Promise<string[]> => {
    const tables = options.tables ?? defaultTables
    const runner = createRunner(drizzle(from), { tables: namesOf(tables), timeoutMs: 30_000, preparedNames: false })
    const findings = await examine({
      runner,
      tables: namesOf(tables),
      host: 'localhost',
      port: 5432,
      isHttp,
      now: Date.now,
    })
    return findings
      .filter(({ check }) => check === 'routines')
      .map(({ status, what, advice }) => `${status}: ${what}${advice ? ` → ${advice}` : ''}`)
  }
  return { url, pool, said, query: (text: string) => pool.query(text) }
}

describe('doctor on routines', () => {
  it('reports that all routines of this version are installed, both ways', async () => {
    const { said } = await createPatient({ tables: cacheTables({ schema: 'Own "one"', prefix: 'p'.repeat(33) }) })
    const expected = [`ok: All ${COUNT} routines of this version (${ROUTINE_VERSION}) are installed.`]
    expect(await said(true)).toEqual(expected)
    expect(await said(false)).toEqual(expected)
  })

  it('reports missing routines: costly over HTTP, and of little effect if statements stay prepared', async () => {
    const { said } = await createPatient({ routines: false })
    expect(await said(true)).toEqual([
      expect.stringMatching(
        /^warning: The routines of this version \(\w+\) are not installed: each call sends its SQL.+ The cache works, but slower\. → Run `pgstash migrate` as the owner of the tables\.$/,
      ),
    ])
    expect(await said(false)).toEqual([
      expect.stringMatching(
        /^note: .+are not installed\. Connections that keep prepared statements.+do not need them.+ Over HTTP.+ → Run `pgstash migrate`/,
      ),
    ])
  })

  it('reports that some routines are missing', async () => {
    const { said, query } = await createPatient()
    await query(`drop function ${READ}(text)`)
    expect(await said()).toEqual([expect.stringMatching(/^warning: 1 of the routines of this version .+ are not/)])
  })

  it.each([
    [
      'the body',
      `create or replace function ${READ}(text) returns table (read_one text, "number" text)
      language plpgsql as 'begin return; end'`,
    ],
    ['the rights', `alter function ${READ}(text) security definer`],
  ])('reports a routine that differs from the installed version, by %s', async (_name, change) => {
    const { said, query } = await createPatient()
    await query(change)
    expect(await said()).toEqual([
      `warning: Not as this version installs them: 1 of ${COUNT} routines. Calls may run other code. → Run \`pgstash migrate\` as the owner of the tables.`,
    ])
  })

  it('reports that the role may not execute routines, and the grant that helps', async () => {
    const { url, pool, said, query } = await createPatient()
    const role = await createRole({ url, pool }, 'grant select on all tables in schema public to')
    await query('revoke execute on all functions in schema public from public')
    const asUser = createPool(asRole(url, role.name))
    const [found] = await said(true, asUser)
    const grant = `grant execute on all functions in schema public to ${role.name}`
    expect(found).toBe(
      `warning: ${role.name} may not execute ${COUNT} of ${COUNT} routines, so each of these calls sends its SQL. → As their owner: ${grant};`,
    )
    await query(grant)
    expect(await said(true, asUser)).toEqual([expect.stringMatching(/^ok: /)])
  })

  it('reports a routine of another role, who could replace it', async () => {
    const { url, pool, said, query } = await createPatient()
    const role = await createRole({ url, pool }, 'grant create on schema public to')
    await query(`alter function ${READ}(text) owner to ${role.name}`)
    expect(await said()).toEqual([
      expect.stringMatching(
        new RegExp(`^warning: Routines belong to ${role.name}, not to postgres: .+ → Drop them as a superuser`),
      ),
    ])
  })

  it('reports another function that comes first on the search path', async () => {
    const { url, said, query } = await createPatient()
    await query(`create schema early;
      create function early.${READ}(text) returns int language sql as 'select 1';
      do $$ begin execute format('alter database %I set search_path = early, public', current_database()); end $$`)
    expect(await said(true, createPool(url))).toEqual([
      expect.stringMatching(
        /^warning: The search_path finds 1 other function with the name of a routine first: .+ → Drop/,
      ),
    ])
  })

  it('reports that every role could create a routine', async () => {
    const { said, query } = await createPatient()
    await query('grant create on schema public to public')
    expect(await said()).toEqual([
      expect.stringMatching(/^ok: /),
      expect.stringMatching(
        /^note: Every role may create functions in the schema public\..+ → .+revoke create on schema public from public;$/,
      ),
    ])
  })

  it('reports sets of other releases that wait to be dropped', async () => {
    const { said, query } = await createPatient()
    await query(`insert into cache_state (name, value) values ('routines 01234567', '{"functions": []}')`)
    expect(await said()).toEqual([
      expect.stringMatching(
        /^ok: .+ 1 older set may still serve another release\. A later `pgstash migrate` drops it\.$/,
      ),
    ])
  })
})
