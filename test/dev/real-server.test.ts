import { neon } from '@neondatabase/serverless'
import pg from 'pg'
import { beforeEach, describe, expect, inject, it } from 'vitest'
import { type LocalNeon, startLocalNeon } from '../../src/dev/index.ts'
import { createFaults } from '../../src/testing/faults.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { query, send, start } from './endpoint.ts'

/** Far longer than any test's timeout, so only a cancellation ends it. */
const FOREVER = 'select pg_sleep(3600)'

describe('the endpoint of a real server', () => {
  let url: string
  let local: LocalNeon
  let admin: pg.Client

  beforeEach(async () => {
    url = await createDatabase()
    local = await start({ database: url, poolSize: 20 })
    admin = new pg.Client(url)
    admin.on('error', () => {})
    await admin.connect()
    cleanup(() => admin.end())
  })

  /** Polls the server until the state matches, because the state of another session has no event to wait for. */
  const until = async (condition: string) => {
    for (;;) {
      const { rows } = await admin.query(`select (${condition}) as ok`)
      if (rows[0].ok) return
    }
  }
  const sessions = (where: string) =>
    `(select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and ${where})`

  it('runs twenty requests concurrently', async () => {
    await admin.query('select pg_advisory_lock(1)')
    const requests = Array.from({ length: 20 }, () => query(local, 'select pg_advisory_xact_lock_shared(1)'))
    // All twenty wait for the lock together: none has been answered, and none waits for another.
    await until(`${sessions("wait_event = 'advisory'")} = 20`)
    await admin.query('select pg_advisory_unlock(1)')
    const answers = await Promise.all(requests)
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  })

  it('opens no more connections than the pool has', async () => {
    const small = await start({ database: url, poolSize: 2 })
    await local.close()
    const backends = await Promise.all(Array.from({ length: 12 }, () => query(small, 'select pg_backend_pid()')))
    expect(new Set(backends.map(({ json }) => json.rows[0][0])).size).toBeLessThanOrEqual(2)
  })

  it('reuses a connection after a request, with a clean session', async () => {
    const small = await start({ database: url, poolSize: 1 })
    const first = await query(small, "select pg_backend_pid(), set_config('work_mem', '1MB', false)")
    const second = await query(small, "select pg_backend_pid(), current_setting('work_mem')")
    expect(second.json.rows[0][0]).toBe(first.json.rows[0][0])
    expect(second.json.rows[0][1]).not.toBe('1MB')
  })

  it('cancels the statement of an aborted request, and the pool survives', async () => {
    const small = await start({ database: url, poolSize: 1 })
    const controller = new AbortController()
    const sql = neon(small.connectionString)
    const running = sql.query(FOREVER, [], { fetchOptions: { signal: controller.signal } })
    running.catch(() => {})
    await until(`${sessions("wait_event = 'PgSleep'")} = 1`)
    controller.abort()
    await expect(running).rejects.toMatchObject({ sourceError: { name: 'AbortError' } })
    await until(`${sessions("wait_event = 'PgSleep'")} = 0`)
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
  })

  it('rolls back the batch of an aborted request', async () => {
    await admin.query('create table t (a int)')
    const controller = new AbortController()
    const body = { queries: [{ query: 'insert into t values (1)' }, { query: FOREVER }] }
    const running = send(local, { body, signal: controller.signal }).catch((error) => error)
    await until(`${sessions("wait_event = 'PgSleep'")} = 1`)
    controller.abort()
    expect(await running).toMatchObject({ name: 'AbortError' })
    await until(`${sessions("state <> 'idle'")} = 0`)
    expect((await admin.query('select * from t')).rows).toEqual([])
  })

  it('skips a request that was aborted while it waited for a connection', async () => {
    const faults = createFaults()
    const small = await start({ database: url, poolSize: 1, intercept: faults })
    await admin.query('create table t (a int)')
    await admin.query('select pg_advisory_lock(2)')
    const first = query(small, 'select pg_advisory_xact_lock(2)')
    await until(`${sessions("wait_event = 'advisory'")} = 1`)
    const controller = new AbortController()
    const seen = new Promise<void>((resolve) => {
      const { onRequest } = faults
      faults.onRequest = (request) => {
        request.signal.addEventListener('abort', () => resolve())
        controller.abort()
        return onRequest(request)
      }
    })
    const second = query(small, 'insert into t values (1)', [], { signal: controller.signal }).catch((error) => error)
    expect(await second).toMatchObject({ name: 'AbortError' })
    await seen
    await admin.query('select pg_advisory_unlock(2)')
    await first
    expect((await query(small, 'select * from t')).json.rows).toEqual([])
  })

  it('reports a statement whose connection an administrator terminated like Postgres does', async () => {
    const running = query(local, FOREVER)
    await until(`${sessions("wait_event = 'PgSleep'")} = 1`)
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
    )
    expect(await running).toMatchObject({ status: 400, json: { code: '57P01', severity: 'FATAL' } })
    expect((await query(local, 'select 1')).status).toBe(200)
  })

  it('recovers by itself after idle connections were lost', async () => {
    await Promise.all([1, 2, 3].map(() => query(local, 'select 1')))
    await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await until(`${sessions('true')} = 0`)
    const answers = []
    // A connection whose end has not been noticed may fail one request, but no later one.
    for (let i = 0; i < 4; i++) answers.push((await query(local, 'select 1')).status)
    expect(answers.at(-1)).toBe(200)
  })

  it('answers 500 without a code that the driver would show while the server refuses connections', async () => {
    const name = new URL(url).pathname.slice(1)
    await query(local, 'select 1')
    // Postgres does not let a session close its own database.
    const outside = new pg.Client(inject('databaseUrl'))
    await outside.connect()
    cleanup(() => outside.end())
    await outside.query(`alter database ${name} allow_connections false`)
    await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await until(`${sessions('true')} = 0`)
    const refused = await neon(local.connectionString)`select 1`.catch((error) => error)
    expect(refused.code).toBeUndefined()
    expect(refused.message).toMatch(/^Server error \(HTTP status 500\)/)
    await outside.query(`alter database ${name} allow_connections true`)
    expect((await query(local, 'select 1')).status).toBe(200)
  })

  it('ends a running statement when it closes', async () => {
    const running = query(local, FOREVER).catch((error) => error)
    await until(`${sessions("wait_event = 'PgSleep'")} = 1`)
    await local.close()
    expect(await running).toMatchObject({ code: 'ECONNRESET' })
    await until(`${sessions('true')} = 0`)
  })

  it('cannot be started without the server', async () => {
    const { LocalNeonError } = await import('../../src/dev/index.ts')
    const secret = new URL(url)
    secret.password = 'hunter2'
    secret.port = '1'
    await expect(startLocalNeon({ database: secret.href })).rejects.toThrow(LocalNeonError)
  })
})
