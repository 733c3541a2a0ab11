import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'

// The published command. `npm test` builds it first.
const CLI = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

vi.setConfig({ testTimeout: 240_000 })

// Ends after a number of calls, however slow the machine is.
const SHORT = ['load', '--duration', '3600', '--operations', '60', '--clients', '4', '--keys', '2']

let url: string
let folder: string

beforeAll(async () => {
  url = await createDatabase()
  folder = await mkdtemp(join(tmpdir(), 'pgstash-load-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  expect((await run(['migrate'])).code).toBe(0)
})

describe('pgstash load', () => {
  it('exits with 0, prints JSON, writes a page, and leaves other keys alone and none of its own', async () => {
    await query("insert into cache_entries (key, value) values ('mine', '1')")
    const page = join(folder, 'report.html')
    const { code, out, err } = await run([...SHORT, '--json', '--html', page])
    const result = JSON.parse(out)
    // Checked before the exit code, which shows only that there are some.
    expect(result.violations).toEqual([])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(result).toMatchObject({ calls: 480, errors: 0 })
    // A call may wait for the computation of another, and then sends more than one request.
    expect(result.roundTrips).toBeGreaterThanOrEqual(result.calls)
    expect(result.operations[0]).toEqual({
      operation: 'clearExpired',
      count: expect.any(Number),
      errors: 0,
      p50: expect.any(Number),
      p95: expect.any(Number),
      p99: expect.any(Number),
      max: expect.any(Number),
    })
    expect(await readFile(page, 'utf8')).toContain('<svg')
    expect(await query('select key from cache_entries')).toEqual([{ key: 'mine' }])
  })

  it('finds no violation behind a faulty endpoint, although calls fail', async () => {
    const { code, out } = await run([...SHORT, '--faults', '--json', '--operations', '150'])
    const result = JSON.parse(out)
    expect(result.violations).toEqual([])
    expect(result.errors).toBeGreaterThan(0)
    expect(code).toBe(0)
  })

  it('exits with 1 and prints the history if the store is broken', async () => {
    const wrap = join(folder, 'broken.mjs')
    await writeFile(wrap, 'export default (cache) => ({ ...cache, delete: async () => true })')
    const { code, out } = await run([...SHORT, '--wrap', wrap, '--operations', '600'])
    expect(code).toBe(1)
    expect(out).toMatch(/- value after delete of \w+-\d: client \d+'s/)
  })

  const OWN = "from cache_entries where key like 'pgstash-load-%'"
  const LONG = ['load', '--duration', '3600', '--clients', '4', '--keys', '20', '--read-share', '0.2']
  const runsAlready = () => expect.poll(() => query(`select ${OWN} limit 20`), { timeout: 120_000 }).toHaveLength(20)

  it('leaves no permanent entries when it is killed', async () => {
    const { child, ended } = spawnCommand(LONG)
    await runsAlready()
    child.kill('SIGKILL')
    await ended
    expect(await query(`select count(*)::int as count ${OWN} and expires_at is null`)).toEqual([{ count: 0 }])
    await query(`delete ${OWN}`)
  })

  it('prints its report and deletes its entries when a supervisor ends it', async () => {
    const { child, ended } = spawnCommand([...LONG, '--json'])
    await runsAlready()
    child.kill('SIGTERM')
    const { code, out } = await ended
    expect({ code, violations: JSON.parse(out).violations }).toEqual({ code: 0, violations: [] })
    expect(await query(`select ${OWN}`)).toEqual([])
  })

  const SECRET = 's3cret'
  it.each([
    ['an option is unknown', ['load', '--nope'], "unknown option '--nope'", 2],
    ['a span is invalid', ['load', '--duration', 'x'], 'Expected seconds such as 90', 2],
    ['a number is out of range', ['load', '--clients', '0'], 'Expected clients to be a whole number of at least 1', 2],
    [
      'nothing listens at the address',
      ['load', '--database-url', `postgres://u:${SECRET}@127.0.0.1:1/x`],
      '127.0.0.1',
      3,
    ],
  ])('reports that %s, and ends with the matching exit code', async (_name, args, message, exitCode) => {
    const { code, out, err } = await run(args)
    expect(err).toContain(message)
    expect(err).not.toContain(SECRET)
    expect({ code, out }).toEqual({ code: exitCode, out: '' })
  })
})

const run = (args: string[]) => spawnCommand(args).ended

function spawnCommand(args: string[]) {
  const { NEON_FETCH_ENDPOINT: _, ...env } = process.env
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...env, DATABASE_URL: url } })
  cleanup(() => child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, ...said }))
  })
  return { child, ended }
}

async function query(text: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}
