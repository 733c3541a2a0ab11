/** Programs and commands continue after Postgres ends their connections. */
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { start } from '../cli/command.ts'
import { createLonelyDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { buildScript, type Script } from '../setup/run-script.ts'

const SESSIONS = `from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`

let run: (...args: string[]) => Script

beforeAll(async () => {
  run = await buildScript(new URL('./restarts-process.ts', import.meta.url))
})

const endings: Record<string, (admin: pg.Client, url: string) => Promise<unknown>> = {
  'are ended by an operator': (admin) => admin.query(`select pg_terminate_backend(pid, 60000) ${SESSIONS}`),
  'end with a crash of the server': async (admin, url) => {
    const { rows } = await admin.query<{ pid: number }>(`select pid ${SESSIONS} limit 1`)
    // Not with `once`, which rejects at the client's error.
    const ended = new Promise((resolve) => admin.on('end', () => resolve(undefined)))
    for (const { pid } of rows) process.kill(pid, 'SIGKILL')
    await ended
    // The server accepts connections again once all its old processes have ended.
    await eventually(async () => {
      const client = new pg.Client(url)
      client.on('error', () => {})
      await client.connect()
      await client.end()
    })
  },
}

describe('`pgstash stats --watch`', () => {
  it('continues after its idle connection ends', async () => {
    const url = await createLonelyDatabase()
    await migrate(drizzle(createPool(url)))
    const { child, said, ended } = start(['stats', '--json', '--watch', '--every', '1'], { DATABASE_URL: url })
    const lines = () => said.out.split('\n').length
    await eventually(() => expect(lines()).toBeGreaterThan(1))
    const admin = createPool(url, { max: 1 })
    await admin.query(`select pg_terminate_backend(pid, 60000) ${SESSIONS}`)
    const before = lines()
    await eventually(() => expect(lines()).toBeGreaterThan(before + 1))
    child.kill('SIGINT')
    await ended
  })
})

describe('a process with the pools of the docs', () => {
  it.each(Object.entries(endings))('survives when all its connections %s', async (_how, end) => {
    const url = await createLonelyDatabase()
    const script = run(url)
    await eventually(() => expect(script.output).toContain('ready'))
    const admin = new pg.Client(url)
    admin.on('error', () => {})
    await admin.connect()
    await end(admin, url)
    script.child.stdin?.write('go on')
    expect([await script.ended, script.output]).toEqual([0, expect.stringMatching(/rolled back.*works again/s)])
    await admin.end()
  })
})
