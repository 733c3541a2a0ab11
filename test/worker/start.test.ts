import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalNeon } from 'pgstash/dev'
import { describe, expect, inject, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { freePort } from '../setup/free-port.ts'
import { until } from './harness.ts'
import { alive, family, type Started, start } from './processes.ts'

vi.setConfig({ testTimeout: 300_000 })
/** The time limit of a test, not the expected duration. */
const STOP_MS = 20_000

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-start-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function cacheStatus(port: number, path = '/cities/near?lat=35.7&lng=51.42'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  await response.arrayBuffer()
  const status = response.headers.get('cache-status')?.replace(/^pgstash;|;ttl=\d+/g, '')
  return `${response.status} ${status}`
}

async function views(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/views`)
  return ((await response.json()) as { views: number }).views
}

/** Everything that was started ends soon. */
async function expectGone({ ended }: Started, members: number[]) {
  const startedAt = performance.now()
  await ended
  await until(() => alive(members).length === 0, 'all processes end', STOP_MS)
  expect(performance.now() - startedAt).toBeLessThan(STOP_MS)
}

describe('npm start', () => {
  it('loads the cities once, serves them, keeps them, and continues after an interruption', async () => {
    const dataDir = join(await temporaryFolder(), 'new', 'data')
    const port = await freePort()
    const first = start(['--port', String(port), '--data-dir', dataDir, '--cities', '500'])
    await first.ready()
    expect(first.stdout()).toContain('500 cities')
    expect(first.stdout()).toContain(`http://localhost:${port}`)
    expect(first.stdout()).not.toContain('postgresql://')
    expect(await cacheStatus(port)).toBe('200 fwd=uri-miss;stored')
    // It is stored in the background.
    await until(async () => (await cacheStatus(port)) === '200 hit', 'the answer is stored')
    await fetch(`http://127.0.0.1:${port}/`)
    await until(async () => (await views(port)) === 1, 'the view is counted')
    const members = family(first.pid)
    expect(members.length).toBeGreaterThan(1)
    first.child.kill('SIGTERM')
    await expectGone(first, members)
    expect([await first.ended, first.stderr()]).toEqual([0, ''])

    const second = start(['--data-dir', dataDir, '--cities', '900'], { env: { PORT: String(port) } })
    await second.ready()
    expect(second.stdout()).toContain('900 cities')
    // The cache was kept as well. Its answers may have expired meanwhile, but its counters stay.
    expect(await views(port)).toBe(1)
    expect(await cacheStatus(port, '/__scheduled?cron=0+*+*+*+*')).toMatch(/^200/)
    const logged = /\{"event":"cleanup","removed":\d+,"more":false\}/
    await until(() => logged.test(second.stdout()), 'the cleanup is logged')

    const third = start(['--port', String(await freePort()), '--data-dir', dataDir])
    expect(await third.ended).toBe(1)
    expect(third.stderr()).toMatch(/^pgstash: .*\n$/)
    const others = family(second.pid)
    // A terminal sends Ctrl-C to all of them.
    process.kill(-second.pid, 'SIGINT')
    await expectGone(second, others)
    expect([await second.ended, second.stderr()]).toEqual([0, ''])
  })

  it('runs over a real server, and ends with npm', async () => {
    const port = await freePort()
    const url = await createDatabase()
    // Without `prestart`, whose build would disturb the other tests.
    const npm = ['npm', 'start', '--ignore-scripts', '--silent', '--']
    const started = start(['--cities', '300', '--port', String(port)], { env: { DATABASE_URL: url }, command: npm })
    await started.ready()
    expect(started.stdout()).toMatch(/database +Postgres at 127\.0\.0\.1:\d+, 300 cities/)
    expect(started.stdout()).not.toContain(`${new URL(url).password}@`)
    expect(await cacheStatus(port)).toBe('200 fwd=uri-miss;stored')
    const members = family(started.pid)
    started.child.kill('SIGTERM')
    await expectGone(started, members)
  })

  it('ends at once at the second Ctrl-C', async () => {
    const started = start([
      '--port',
      String(await freePort()),
      '--data-dir',
      await temporaryFolder(),
      '--cities',
      '300',
    ])
    await started.ready()
    const members = family(started.pid)
    started.child.kill('SIGINT')
    started.child.kill('SIGINT')
    await expectGone(started, members)
  })

  it('can be ended during its start', async () => {
    const started = start(['--port', String(await freePort()), '--data-dir', await temporaryFolder()])
    await until(() => started.stdout().includes('loading 135,233 cities'), 'the loading begins', 180_000)
    const members = family(started.pid)
    started.child.kill('SIGTERM')
    await expectGone(started, members)
    expect([await started.ended, started.stderr()]).toEqual([0, ''])
  })
})

describe('npm start reports in one line', () => {
  async function failed(args: string[], env: Record<string, string> = {}): Promise<string> {
    const started = start(args, { env })
    expect(await started.ended).toBe(1)
    const text = started.stderr()
    expect(text.trim().split('\n')).toHaveLength(1)
    expect(text).not.toMatch(/\bat .*:\d+:\d+/)
    expect(text).not.toContain('sekret')
    expect(started.stdout()).toBe('')
    return text
  }
  const port = async () => ['--port', String(await freePort())]

  it('a port that is in use', async () => {
    const server = createServer()
    const busy = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    cleanup(() => server.close())
    expect(await failed(['--port', String(busy), '--data-dir', await temporaryFolder()])).toBe(
      `pgstash: Port ${busy} is in use: choose another with --port or PORT.\n`,
    )
  })

  it('an unreachable database', async () => {
    const url = `postgres://someone:sekret@127.0.0.1:${await freePort()}/nowhere`
    expect(await failed([...(await port()), '--database-url', url])).toMatch(/^pgstash: .*(refused|reach|ECONNREFUSED)/)
    expect(await failed(await port(), { DATABASE_URL: url })).toMatch(/^pgstash: /)
  })

  it('a missing database', async () => {
    const url = new URL(inject('databaseUrl'))
    url.pathname = '/pgstash_nowhere'
    expect(await failed([...(await port()), '--database-url', url.href])).toMatch(/^pgstash: .*(does not exist|3D000)/)
  })

  it('a database URL for a local Neon, as `pgstash dev` prints it', async () => {
    const local = await startLocalNeon({ database: await createDatabase() })
    cleanup(() => local.close())
    const said = await failed(await port(), { DATABASE_URL: local.connectionString })
    expect(said).toMatch(/^pgstash: Expected a Postgres server at localhost:\d+, but an HTTP server listens there/)
    expect(said).not.toContain(new URL(local.connectionString).password)
  })

  it('an invalid database URL', async () => {
    expect(await failed([...(await port()), '--database-url', 'mysql://a:sekret@b'])).toMatch(/look like postgres:/)
  })

  it('a folder that cannot be written to', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    expect(await failed([...(await port()), '--data-dir', join(file, 'below')])).toMatch(/^pgstash: .*folder/)
  })

  it('an unknown flag or an invalid port', async () => {
    expect(await failed(['--nonsense'])).toMatch(/unknown option '--nonsense'/)
    expect(await failed(['--port', '99999'])).toMatch(/Expected a port from 1 to 65535/)
    expect(await failed([], { PORT: 'abc' })).toMatch(/^pgstash: PORT: Expected a port from 1 to 65535/)
  })

  it('its usage, and nothing else, if asked for help', async () => {
    const { ended, stdout } = start(['--help'])
    expect(await ended).toBe(0)
    expect(stdout()).toContain('--database-url')
    expect(stdout()).not.toContain('--cities')
  })
})
