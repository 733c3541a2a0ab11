import { chmod, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { neon } from '@neondatabase/serverless'
import pg from 'pg'
import { describe, expect, inject, it, vi } from 'vitest'
import { LocalNeonError, type LocalNeonOptions, startLocalNeon } from '../../src/dev/index.ts'
import { CacheError, InvalidOptionError } from '../../src/values/errors.ts'
import { freePort } from '../setup/free-port.ts'
import { query, start } from './endpoint.ts'

// Some tests start one or two databases, and one resolves an unknown host name.
vi.setConfig({ testTimeout: 180_000 })

const SECRET = 'hunter2secret'
const folder = () => mkdtemp(join(tmpdir(), 'pgstash-dev-'))
const failure = (options: LocalNeonOptions) =>
  startLocalNeon(options).then(
    (local) => local.close(),
    (error) => error,
  )

describe('starting', () => {
  it('needs no options', async () => {
    const local = await start()
    expect(local.endpoint).toBe(`http://127.0.0.1:${local.port}/sql`)
    expect(local.connectionString).toMatch(/^postgresql:\/\/postgres:[\w-]+@localhost:\d+\/postgres$/)
    expect(await neon(local.connectionString)`select 1 as one`).toEqual([{ one: 1 }])
  })

  it('uses the given port, and reports that it is busy', async () => {
    // A port that nothing else takes between its two uses.
    const local = await start({ port: await freePort() })
    const error = await failure({ port: local.port })
    expect(error).toBeInstanceOf(LocalNeonError)
    expect(error).toBeInstanceOf(CacheError)
    expect(error).toMatchObject({ code: 'LOCAL_NEON', name: 'LocalNeonError' })
    expect(error.message).toContain(`port ${local.port}`)
    await local.close()
    const again = await start({ port: local.port })
    expect(again.port).toBe(local.port)
  })

  it.each<[string, LocalNeonOptions]>([
    ['a port out of range', { port: 70_000 }],
    ['a port that is not an integer', { port: 1.5 }],
    ['a pool of zero connections', { database: 'postgres://localhost/db', poolSize: 0 }],
    ['an empty folder name', { dataDir: '' }],
    ['a guessable password', { password: SECRET }],
    ['a password that is not text', { password: 5 as unknown as string }],
    ['a folder together with a server', { database: `postgres://u:${SECRET}@localhost/db`, dataDir: '/tmp/x' }],
    ['a database that is not a URL', { database: `u:${SECRET}@localhost` }],
    ['an unknown option', { datadir: '/tmp' } as LocalNeonOptions],
    ['invalid options', 'pglite' as LocalNeonOptions],
    ['a URL of another scheme', { database: `mysql://u:${SECRET}@localhost/db` }],
    ['a URL with a broken port', { database: `postgres://u:${SECRET}@localhost:99999/db` }],
  ])('refuses %s', async (_name, options) => {
    const error = await failure(options)
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(SECRET)
  })

  it.each([
    ['nothing listens at the address', (url: URL) => Object.assign(url, { port: '1' }), 'is unreachable'],
    ['the password is wrong', (url: URL) => url, 'refused the password'],
    [
      'the database does not exist',
      (url: URL) => Object.assign(url, { pathname: '/nope', password: '' }),
      /does not exist|refused the password|reached/,
    ],
    ['the host is unknown', (url: URL) => Object.assign(url, { hostname: 'nowhere.invalid' }), 'is unreachable'],
  ])('fails without showing the password when %s', async (_name, change, message) => {
    const url = new URL(inject('databaseUrl'))
    url.password = SECRET
    const { href } = change(url)
    // A server that trusts local connections accepts any password, and then so does its endpoint.
    if (await accepts(href)) {
      await expect(start({ database: href })).resolves.toBeDefined()
      return
    }
    const error = await failure({ database: href })
    expect(error).toBeInstanceOf(LocalNeonError)
    expect(error.message).toMatch(message)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(SECRET)
  })

  it('reports a server that is a local Neon, perhaps itself', async () => {
    const local = await start()
    const port = await freePort()
    for (const database of [local.connectionString, `postgres://u:${SECRET}@localhost:${port}/x`]) {
      const error = await failure({ database, port })
      expect(error).toBeInstanceOf(LocalNeonError)
      expect(error.message).toContain('an HTTP server listens there')
      expect(inspect(error)).not.toContain(SECRET)
    }
  })

  it('accepts a password, and requires it from every client', async () => {
    const password = 'a "quoted" p@ss/w0rd'.replaceAll(' ', "'")
    const local = await start({ password })
    // An apostrophe would end the quotes around it.
    expect(local.connectionString).not.toContain("'")
    expect(await neon(local.connectionString)`select 1 as one`).toEqual([{ one: 1 }])
    const wrong = Object.assign(new URL(local.connectionString), { password: SECRET })
    await expect(neon(wrong.href)`select 1`).rejects.toMatchObject({ code: '28P01' })
  })

  it('keeps the decoded names of the server, but never its password', async () => {
    const local = await start({ database: inject('databaseUrl') })
    const [given, made] = [inject('databaseUrl'), local.connectionString].map((text) => new URL(text))
    expect([made?.username, made?.pathname]).toEqual([given?.username, given?.pathname])
    expect(made?.password).not.toBe(given?.password)
  })

  it.each(['pg', '@electric-sql/pglite'])('explains how to install a missing %s', async (name) => {
    vi.resetModules()
    vi.doMock(name, () => {
      throw new Error(`Cannot find package ${SECRET}`)
    })
    const fresh = await import('../../src/dev/index.ts')
    const options = name === 'pg' ? { database: inject('databaseUrl') } : {}
    const error = await fresh.startLocalNeon(options).catch((reason) => reason)
    vi.doUnmock(name)
    vi.resetModules()
    expect(error.name).toBe('LocalNeonError')
    expect(error.message).toContain(`npm install --save-dev ${name}`)
    expect(inspect(error)).not.toContain(SECRET)
  })

  it('can be disposed of, and closed again', async () => {
    const local = await startLocalNeon()
    await local[Symbol.asyncDispose]()
    await local.close()
    await expect(query(local, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('PGlite’s folder', () => {
  it('keeps the data for the next start, and is left unlocked', async () => {
    const dataDir = join(await folder(), 'deep', 'db')
    const first = await start({ dataDir })
    await query(first, 'create table t as select 42 as a')
    await first.close()
    expect((await readdir(dataDir)).filter((name) => name.startsWith('.pgstash'))).toEqual(['.pgstash.password'])
    const second = await start({ dataDir })
    expect((await query(second, 'select a, current_setting($1) from t', ['timezone'])).json.rows).toEqual([
      ['42', 'GMT'],
    ])
    await second.close()
  })

  it('keeps the password as well, so that settings stay valid', async () => {
    const dataDir = await folder()
    const first = await start({ dataDir })
    await first.close()
    const second = await start({ dataDir, port: first.port })
    expect(second.connectionString).toBe(first.connectionString)
    await second.close()
    const other = await start({ dataDir: await folder() })
    expect(new URL(other.connectionString).password).not.toBe(new URL(first.connectionString).password)
  })

  it('gets a new password if the stored one was emptied', async () => {
    const dataDir = await folder()
    await writeFile(join(dataDir, '.pgstash.password'), '')
    const local = await start({ dataDir })
    expect(new URL(local.connectionString).password.length).toBeGreaterThanOrEqual(16)
    expect((await query(local, 'select 1')).status).toBe(200)
  })

  /** Everything in the folder that others may read, as `755 name`. */
  async function readableByOthers(dataDir: string): Promise<string[]> {
    const names = ['.', ...(await readdir(dataDir, { recursive: true }))]
    const modes = await Promise.all(names.map(async (name) => [(await stat(join(dataDir, name))).mode & 0o777, name]))
    return modes.filter(([mode]) => Number(mode) & 0o077).map(([mode, name]) => `${mode?.toString(8)} ${name}`)
  }

  it('can be read only by its owner, during use and afterwards', async () => {
    const dataDir = join(await folder(), 'new')
    const local = await start({ dataDir })
    await query(local, 'create table t as select generate_series(1, 20000) as a')
    expect((await readdir(dataDir)).filter((name) => name.startsWith('.pgstash'))).toHaveLength(2)
    expect(await readableByOthers(dataDir)).toEqual([])
    await local.close()
    expect(await readableByOthers(dataDir)).toEqual([])
  })

  it('becomes private if an older version left it open to others', async () => {
    const dataDir = await folder()
    await (await start({ dataDir })).close()
    await chmod(dataDir, 0o755)
    await chmod(join(dataDir, 'base'), 0o755)
    await chmod(join(dataDir, 'PG_VERSION'), 0o666)
    expect(await readableByOthers(dataDir)).toHaveLength(3)
    await start({ dataDir })
    expect(await readableByOthers(dataDir)).toEqual([])
  })

  it('leaves the targets of links unchanged', async () => {
    const [dataDir, elsewhere] = [await folder(), await folder()]
    await (await start({ dataDir })).close()
    await chmod(elsewhere, 0o755)
    await symlink(elsewhere, join(dataDir, 'link'))
    await start({ dataDir })
    expect((await stat(elsewhere)).mode & 0o777).toBe(0o755)
  })

  it('is refused, and left alone, if it holds files of others', async () => {
    const dataDir = await folder()
    for (const name of ['package.json', '.gitignore', '.pgstash']) await writeFile(join(dataDir, name), '{}')
    await chmod(dataDir, 0o755)
    const error = await failure({ dataDir })
    expect(error).toBeInstanceOf(LocalNeonError)
    expect(error.message).toContain('holds other files')
    expect((await readdir(dataDir)).sort()).toEqual(['.gitignore', '.pgstash', 'package.json'])
    expect((await stat(dataDir)).mode & 0o777).toBe(0o755)
    expect(await readFile(join(dataDir, '.gitignore'), 'utf8')).toBe('{}')
  })

  it('keeps itself out of git', async () => {
    const dataDir = join(await folder(), 'new')
    await start({ dataDir })
    expect(await readFile(join(dataDir, '.gitignore'), 'utf8')).toBe('*\n')
  })

  it('must be a folder that can be written to', async () => {
    const file = join(await folder(), 'file')
    await writeFile(file, '')
    for (const dataDir of [file, join(file, 'below')]) {
      const error = await failure({ dataDir })
      expect(error, dataDir).toBeInstanceOf(LocalNeonError)
      expect(error.message).toContain('to be a writable folder')
    }
  })

  it('is unlocked again when the database in it cannot be opened', async () => {
    const dataDir = await folder()
    await writeFile(join(dataDir, 'PG_VERSION'), '9')
    expect(await failure({ dataDir })).toBeInstanceOf(LocalNeonError)
    expect(await readdir(dataDir)).not.toContain('.pgstash.lock')
  })
})

async function accepts(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}
