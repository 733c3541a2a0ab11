/** The lock of PGlite's folder: held while its owner is alive, and taken over afterwards. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { LocalNeonError, startLocalNeon } from '../../src/dev/index.ts'
import { cleanup } from '../setup/cleanup.ts'
import { query, start } from './endpoint.ts'

// Each test starts one or two databases.
vi.setConfig({ testTimeout: 180_000 })

/** The published command, for processes that are killed. */
const DEV = new URL('../../dist/dev/index.js', import.meta.url).href

const folder = () => mkdtemp(join(tmpdir(), 'pgstash-dev-'))
const failure = (dataDir: string) =>
  startLocalNeon({ dataDir }).then(
    (local) => local.close(),
    (error) => error,
  )

describe('the folder of PGlite', () => {
  it('is refused while this process uses it', async () => {
    const dataDir = await folder()
    const local = await start({ dataDir })
    const error = await failure(dataDir)
    expect(error).toBeInstanceOf(LocalNeonError)
    expect(error.message).toContain(`in use by process ${process.pid}`)
    expect((await query(local, 'select 1')).status).toBe(200)
  })

  const lockOf = async (dataDir: string, pid: number, startedAt = 0) => {
    await writeFile(join(dataDir, '.pgstash.lock'), JSON.stringify({ pid, startedAt, token: 'other' }))
  }

  it('is refused while another process uses it', async () => {
    const dataDir = await folder()
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    cleanup(() => other.kill())
    await lockOf(dataDir, other.pid ?? 0)
    const error = await failure(dataDir)
    expect(error.message).toContain(`in use by process ${other.pid}`)
    expect(await readFile(join(dataDir, '.pgstash.lock'), 'utf8')).toContain('other')
  })

  it('is taken over from a process that has ended', async () => {
    const dataDir = await folder()
    const gone = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => gone.on('exit', resolve))
    await lockOf(dataDir, gone.pid ?? 0)
    expect((await query(await start({ dataDir }), 'select 1')).status).toBe(200)
  })

  it('is taken over from a process that had the same id, as after a restart of a container', async () => {
    const dataDir = await folder()
    await lockOf(dataDir, process.pid, Date.now() - 3_600_000_000)
    expect((await query(await start({ dataDir }), 'select 1')).status).toBe(200)
  })

  /** The lock that a process left behind when it was killed. */
  const abandonedLock = async (dataDir: string) => {
    const script = `import { startLocalNeon } from ${JSON.stringify(DEV)}
      await startLocalNeon({ dataDir: process.argv[1] })
      process.kill(process.pid, 'SIGKILL')`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], { stdio: 'inherit' })
    await new Promise((resolve) => owner.on('exit', resolve))
    return JSON.parse(await readFile(join(dataDir, '.pgstash.lock'), 'utf8')) as { pid: number; start?: string }
  }

  it('is taken over from a killed process whose id now belongs to another process', async () => {
    const dataDir = await folder()
    const lock = await abandonedLock(dataDir)
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    cleanup(() => stranger.kill())
    await writeFile(join(dataDir, '.pgstash.lock'), JSON.stringify({ ...lock, pid: stranger.pid }))
    expect((await query(await start({ dataDir }), 'select 1')).status).toBe(200)
  })

  it('is taken over from a killed process whose id now belongs to this process', async () => {
    const dataDir = await folder()
    const lock = await abandonedLock(dataDir)
    await writeFile(join(dataDir, '.pgstash.lock'), JSON.stringify({ ...lock, pid: process.pid }))
    expect((await query(await start({ dataDir }), 'select 1')).status).toBe(200)
  })

  it.skipIf(process.platform === 'win32')('is taken over from a zombie process', async () => {
    const dataDir = await folder()
    // The child of a shell that replaced itself by a program that never waits for children.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'])
    cleanup(() => parent.kill())
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)))
    await expect.poll(() => promisify(execFile)('ps', ['-o', 'stat=', '-p', `${pid}`])).toMatchObject({ stdout: /^Z/ })
    await lockOf(dataDir, pid)
    expect((await query(await start({ dataDir }), 'select 1')).status).toBe(200)
  })

  it('is refused while this process uses it, even if its clock was changed meanwhile', async () => {
    const dataDir = await folder()
    await start({ dataDir })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    cleanup(() => vi.useRealTimers())
    expect((await failure(dataDir)).message).toContain(`in use by process ${process.pid}`)
  })

  it('goes to exactly one of several processes that find a stale lock', async () => {
    const dataDir = await folder()
    await lockOf(dataDir, process.pid, 0)
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => start({ dataDir })))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
