/** Machines differ in the user that runs the tests, and in the folders that other users may enter. */
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { removeSettings } from './environment.ts'
import { findPlace } from './postgres-place.ts'
import { installedBinaries, type Server, startServer } from './server.ts'

/** Only its owner may enter it, as with root's home or a folder of `mktemp -d`. */
let privateFolder: string
const servers: Server[] = []

beforeEach(async () => {
  privateFolder = await mkdtemp(join(tmpdir(), 'pgstash-private-'))
  await chmod(privateFolder, 0o700)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const server of servers.splice(0)) await server.stop()
  await rm(privateFolder, { recursive: true, force: true })
})

it('starts from a checkout that only its owner may enter', async () => {
  expect(await answerOf(await start(await privateBinaries()))).toEqual({ encoding: 'UTF8', collation: 'C' })
})

it('starts with binaries that were installed under a strict umask', async () => {
  const bin = await privateBinaries()
  await chmod(privateFolder, 0o755)
  for (const path of await readdir(dirname(bin), { recursive: true, withFileTypes: true })) {
    if (path.isSymbolicLink()) continue
    const file = join(path.parentPath, path.name)
    await chmod(file, (await stat(file)).mode & 0o700)
  }
  expect(await answerOf(await start(bin))).toEqual({ encoding: 'UTF8', collation: 'C' })
})

it('starts if only the user may enter the folder for temporary files', async () => {
  vi.stubEnv('TMPDIR', privateFolder)
  expect(await answerOf(await start())).toEqual({ encoding: 'UTF8', collation: 'C' })
})

it('starts whatever language and Postgres settings the machine has', async () => {
  const settings = { LANG: 'de_DE.UTF-8', LC_MESSAGES: 'de_DE.UTF-8', PGDATA: '/nowhere', PGPORT: '1' }
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  expect(await answerOf(await start())).toEqual({ encoding: 'UTF8', collation: 'C' })
})

it("removes a developer's own settings from the environment", () => {
  const env = { PGOPTIONS: '-c a=b', PGSSLMODE: 'require', DATABASE_URL: 'x', NODE_ENV: 'production', PATH: '/bin' }
  removeSettings(env)
  expect(env).toEqual({ PATH: '/bin' })
  expect(Object.keys(process.env).filter((name) => /^PG[A-Z]/.test(name))).toEqual([])
})

it('leaves no file behind', async () => {
  const { folder, stop } = await startServer()
  expect(existsSync(folder)).toBe(true)
  await stop()
  expect(existsSync(folder)).toBe(false)
})

it('fails with the message of Postgres', async () => {
  await expect(startServer(['shared_buffers=much'])).rejects.toThrow(/ended before it was ready[\s\S]+shared_buffers/)
})

it('says what to do if the binaries run nowhere', async () => {
  const bin = join(privateFolder, 'native/bin')
  await mkdir(bin, { recursive: true })
  const attempt = findPlace(bin, true)
  await expect(attempt).rejects.toThrow(/set TMPDIR to one/)
})

async function privateBinaries(): Promise<string> {
  const native = join(privateFolder, 'native')
  await cp(dirname(await installedBinaries()), native, { recursive: true, verbatimSymlinks: true })
  return join(native, 'bin')
}

async function start(bin?: string): Promise<Server> {
  const server = await startServer([], bin)
  servers.push(server)
  return server
}

async function answerOf({ url }: Server) {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query(
    `select current_setting('server_encoding') as encoding, datcollate as collation
      from pg_database where datname = current_database()`,
  )
  await client.end()
  return rows[0]
}
