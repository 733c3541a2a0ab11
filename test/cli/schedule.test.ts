/** `pgstash schedule`. The test server has no pg_cron, so functions with the same names stand in for it. */
import { describe, expect, it } from 'vitest'
import { createPool } from '../setup/databases.ts'
import { createSite, WAYS } from './command.ts'

const STAND_IN = `
  create schema cron;
  create table cron.job (jobname text primary key, schedule text, command text);
  create function cron.schedule(name text, at text, command text) returns bigint language sql as $$
    insert into cron.job values (name, at, command)
    on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command;
    select 1::bigint $$;
  create function cron.unschedule(name text) returns boolean language plpgsql as $$ begin
    delete from cron.job where jobname = name;
    if not found then raise exception 'no such job'; end if;
    return true; end $$`

describe('pgstash schedule', () => {
  it.each(WAYS)('explains how to install a missing pg_cron, and exits with 1, %s', async (way) => {
    const { pgstash } = await createSite(way)
    const { code, out, err } = await pgstash(['schedule'])
    expect([code, err]).toEqual([1, ''])
    expect(out).toMatch(/^This database does not have pg_cron, so nothing was scheduled\./)
    expect(out).toContain('npx pgstash clear-expired')
  })

  it('creates a job that cleans up, replaces it, and removes it', async () => {
    const { pgstash, url } = await createSite()
    const pool = createPool(url, { max: 1 })
    await pool.query(STAND_IN)
    expect(await pgstash(['schedule'])).toEqual({
      code: 0,
      out: 'Scheduled the job pgstash-cleanup (*/5 * * * *): at most 50,000 entries a run.\n',
      err: '',
    })
    expect((await pgstash(['schedule', '--cron', '0 * * * *', '--batch', '10'])).code).toBe(0)
    const { rows } = await pool.query('select jobname, schedule, command from cron.job')
    expect(rows).toMatchObject([{ jobname: 'pgstash-cleanup', schedule: '0 * * * *' }])
    await pool.query(
      `insert into cache_entries (key, number, kept_until, expires_at)
       select 'k' || i, i, now() - interval '1 hour', now() - interval '1 hour' from generate_series(1, 15) as i`,
    )
    await pool.query("insert into cache_entries (key, number) values ('stays', 1)")
    const left = async () => (await pool.query('select count(*)::int as count from cache_entries')).rows[0].count
    await pool.query(rows[0].command)
    expect(await left()).toBe(6)
    await pool.query(rows[0].command)
    expect(await left()).toBe(1)
    expect((await pgstash(['schedule', '--remove'])).out).toBe('Removed the job pgstash-cleanup.\n')
    expect((await pool.query('table cron.job')).rows).toEqual([])
    expect((await pgstash(['schedule', '--remove'])).code).toBe(3)
  })

  it('prints the SQL of the job, for tables of any name', async () => {
    const { pgstash, url } = await createSite()
    const pool = createPool(url)
    const names = ['--schema', 'o"w$1n', '--table-prefix', "a'$2_"]
    await pgstash(['migrate', ...names])
    const { out } = await pgstash(['schedule', '--print-sql', ...names])
    await pool.query(
      `insert into "o""w$1n"."a'$2_cache_entries" (key, number, kept_until, expires_at)
       values ('k', 1, now() - interval '1 hour', now() - interval '1 hour')`,
    )
    await pool.query(out)
    expect((await pool.query(`table "o""w$1n"."a'$2_cache_entries"`)).rows).toEqual([])
  })
})
