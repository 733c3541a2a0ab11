/** The exit codes of commands that run until they are stopped. */
import pg from 'pg'
import { expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createSite, start } from './command.ts'

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 0],
] as const)('stats --watch stops after %s with %i', async (signal, code) => {
  const { variables } = await createSite()
  const { child, said, ended } = start(['stats', '--watch', '--json', '--every', '0.05'], variables)
  await expect.poll(() => said.out.split('\n').length, { timeout: 60_000 }).toBeGreaterThan(2)
  child.kill(signal)
  expect([await ended, said.err]).toEqual([code, ''])
})

it('stats --watch also ends with 130 during a pause of days', async () => {
  const { variables } = await createSite()
  const { child, said, ended } = start(['stats', '--watch', '--json', '--every', '20d'], variables)
  await expect.poll(() => said.out, { timeout: 60_000 }).toContain('\n')
  child.kill('SIGINT')
  expect(await ended).toBe(130)
})

/** As a shell reports it: the signal ends a command that has no handler for it. */
it.each([
  ['import', ['import']],
  ['export', ['export']],
  ['list', ['list']],
  ['set', ['set', 'k', '1']],
  ['clear-all', ['clear-all', '--yes']],
])('%s ends by the signal of Ctrl-C', async (_name, args) => {
  const { url, variables } = await createSite()
  const holder = new pg.Client(url)
  await holder.connect()
  cleanup(() => holder.end())
  await holder.query('begin; lock table cache_entries in access exclusive mode')
  const { child } = start(args, variables, '{"key":"k"}\n')
  const waits = "select 1 from pg_locks where relation = 'cache_entries'::regclass and not granted"
  await expect.poll(async () => (await holder.query(waits)).rowCount, { timeout: 60_000 }).toBeGreaterThan(0)
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  child.kill('SIGINT')
  expect(await ended).toBe('SIGINT')
})
