import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'dotenv'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { freePort } from '../setup/free-port.ts'
import { alive, family } from '../worker/processes.ts'
import { CLI, inTerminal, run, start } from './command.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-cli-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs `pgstash dev` in a folder until it prints how to stop it. */
async function dev(folder: string, args: string[] = [], variables: Record<string, string> = {}) {
  const started = start(['dev', ...args], variables, undefined, folder)
  await expect.poll(() => started.said.out + started.said.err, { timeout: 120_000 }).toContain('Ctrl-C stops it.')
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    started.child.kill(signal)
    return started.ended
  }
  return { ...started, stop, url: /^DATABASE_URL=(.+)$/m.exec(started.said.out)?.[1] ?? '' }
}

async function tables(url: string): Promise<number> {
  const client = new pg.Client(url)
  await client.connect()
  const { rowCount } = await client.query("select from pg_tables where tablename like 'cache_%'")
  await client.end()
  return rowCount ?? 0
}

const privateMode = async (file: string) => (await stat(file)).mode & 0o777

/** Starts a process and waits for it, like npm. */
const NPM = `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' })`

let folder: string
let port: number
/** A real Postgres starts at once, PGlite takes seconds. Most tests need only the endpoint. */
let database: string[]

beforeAll(async () => {
  folder = await temporaryFolder()
  port = await freePort()
  database = ['--database-url', await createDatabase()]
})

describe('pgstash dev', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'serves a migrated Postgres until %s, and keeps its data',
    async (signal) => {
      const { url, stop } = await dev(folder, ['--port', String(port)])
      const environment = { DATABASE_URL: url }
      expect((await run(['migrate'], environment)).out).toContain('are already current')
      expect((await run(['set', 'key', '1'], environment)).code).toBe(0)
      expect(await stop(signal)).toBe(signal === 'SIGINT' ? 130 : 0)
    },
  )

  it('prints the same settings at each start, and keeps them private', async () => {
    const first = await dev(folder, ['--port', String(port)])
    expect((await run(['get', 'key'], { DATABASE_URL: first.url })).out).toBe('1\n')
    await first.stop()
    const second = await dev(folder)
    expect(second.url).toBe(first.url)
    expect(new URL(second.url).port).toBe(String(port))
    await second.stop()
    const data = join(folder, '.pgstash')
    const own = (await readdir(data)).filter((name) => name.startsWith('.pgstash.')).map((name) => join(data, name))
    expect(own).toHaveLength(2)
    expect(await Promise.all([data, ...own].map(privateMode))).toEqual([0o700, 0o600, 0o600])
  })

  it('uses another port if its own is busy, and reports that', async () => {
    const place = await temporaryFolder()
    const first = await dev(place, [...database, '--port', String(await freePort())])
    const second = await dev(place, database)
    const [firstUrl, secondUrl] = [new URL(first.url), new URL(second.url)]
    expect(second.said.err).toBe(`Port ${firstUrl.port} is in use: using ${secondUrl.port}.\n`)
    expect([secondUrl.port === firstUrl.port, secondUrl.password]).toEqual([false, firstUrl.password])
    await Promise.all([first.stop(), second.stop()])
  })

  it('prints one line if the given port is busy, or is not a port', async () => {
    const busy = createServer()
    const taken = await new Promise<number>((resolve) => {
      busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port))
    })
    const { code, err } = await run(['dev', '--port', String(taken), '--data-dir', await temporaryFolder()])
    busy.close()
    expect(code).toBe(3)
    expect(err).toBe(
      `pgstash: Expected port ${taken} of 127.0.0.1 to be free, but cannot listen on it: it is in use.\n`,
    )
    for (const wrong of ['x', '', '70000'])
      expect((await run(['dev', '--port', wrong])).err).toContain('Expected 0 to 65535')
  })

  it('names the process that uses the folder if started twice in it', async () => {
    const { child, stop } = await dev(folder)
    const second = await run(['dev'], {}, undefined, folder)
    expect(second).toMatchObject({ code: 3, out: '' })
    expect(second.err).toContain(`The data folder is in use by process ${child.pid}`)
    await stop()
  })

  it('prints one line if the folder cannot be used', async () => {
    const place = await temporaryFolder()
    await writeFile(join(place, 'package.json'), '{}')
    await writeFile(join(place, 'file'), '')
    for (const [data, message] of [
      ['.', 'holds other files'],
      ['file', 'a writable folder'],
      ['file/below', 'a writable folder'],
    ] as const) {
      for (const more of [[], database]) {
        const { code, err } = await run(['dev', '--data-dir', data, ...more], {}, undefined, place)
        expect([code, err.split('\n').length]).toEqual([3, 2])
        expect(err).toContain(message)
      }
    }
    expect(await privateMode(place)).toBe(0o700)
  })

  it('serves a real Postgres only if told to', async () => {
    const [url, other] = [await createDatabase(), await createDatabase()]
    const told = await dev(await temporaryFolder(), ['--port', '0', '--database-url', url])
    expect(await tables(url)).toBe(6)
    await told.stop()
    const own = await dev(folder, [], { DATABASE_URL: other })
    expect(own.said.err).toContain('DATABASE_URL is set, but not used')
    expect(await tables(other)).toBe(0)
    await own.stop()
  })

  it('creates no tables with --no-migrate', async () => {
    const url = await createDatabase()
    const { stop } = await dev(await temporaryFolder(), ['--port', '0', '--database-url', url, '--no-migrate'])
    expect(await tables(url)).toBe(0)
    await stop()
  })

  it('refuses to serve itself, or another local Neon', async () => {
    const first = await dev(await temporaryFolder(), [...database, '--port', '0'])
    const place = await temporaryFolder()
    const second = await run(['dev', '--database-url', first.url], {}, undefined, place)
    await first.stop()
    expect(second).toMatchObject({ code: 3, err: expect.stringContaining('an HTTP server listens there') })
    expect(second.err).not.toContain(new URL(first.url).password)
  })

  it('can be stopped during its start, and starts again in the same folder', async () => {
    const place = await temporaryFolder()
    const { child, ended } = start(['dev', '--port', '0'], {}, undefined, place)
    await expect.poll(() => readdir(join(place, '.pgstash')).catch(() => []), { timeout: 60_000 }).toContain('base')
    child.kill('SIGKILL')
    await ended
    const { url, stop } = await dev(place, ['--port', '0'])
    expect((await run(['stats'], { DATABASE_URL: url })).code).toBe(0)
    await stop()
  })

  it('ends with npm, which passes SIGTERM only to its shell', async () => {
    const args = ['dev', ...database, '--port', '0', '--data-dir', join(folder, 'server')]
    const npm = spawn(process.execPath, ['-e', NPM, CLI, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, npm_lifecycle_event: 'dev' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    npm.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk
    })
    await expect.poll(() => out, { timeout: 60_000 }).toContain('Ctrl-C stops it.')
    const members = family(npm.pid ?? 0)
    expect(members).toHaveLength(2)
    npm.kill('SIGKILL')
    await expect.poll(() => alive(members), { timeout: 20_000 }).toEqual([])
  })

  it('ends at the second Ctrl-C in a terminal, whatever the first one started', async () => {
    const terminal = inTerminal([
      'dev',
      '--port',
      '0',
      '--data-dir',
      join(await temporaryFolder(), 'data'),
      ...database,
    ])
    await terminal.shows('Ctrl-C stops it.')
    terminal.type('\u0003\u0003')
    expect([0, 130]).toContain(await terminal.ended())
  })
})

describe('pgstash dev --write', () => {
  async function written(content: string | undefined, file = '.dev.vars', more: string[] = []) {
    const place = await temporaryFolder()
    if (content !== undefined) await writeFile(join(place, file), content)
    const { url, stop } = await dev(place, [...database, '--write', file, ...more])
    await stop()
    return { place, url, text: await readFile(join(place, file), 'utf8') }
  }

  it.each(['.dev.vars', '.env', '.env.local'])(
    'creates %s with the printed settings, readable for its owner only',
    async (file) => {
      const { place, url, text } = await written(undefined, file)
      expect(text).toBe(`DATABASE_URL=${url}\n`)
      expect(await privateMode(join(place, file))).toBe(0o600)
    },
  )

  it.each([
    ['other lines', '# a comment\nAPI_KEY="x"\n', (url: string) => `# a comment\nAPI_KEY="x"\nDATABASE_URL=${url}\n`],
    ['a file without a final line break', 'A=1', (url: string) => `A=1\nDATABASE_URL=${url}\n`],
    ['Windows line breaks', 'A=1\r\nB=2\r\n', (url: string) => `A=1\r\nB=2\r\nDATABASE_URL=${url}\r\n`],
    [
      'its line, but empty',
      'A=1\nexport DATABASE_URL= # local\nB=2\n',
      (url: string) => `A=1\nexport DATABASE_URL= ${url} # local\nB=2\n`,
    ],
    [
      'its line, from an earlier folder',
      `A=1\nDATABASE_URL="postgresql://postgres:${'x'.repeat(32)}@localhost:5488/postgres"\nB=2\n`,
      (url: string) => `A=1\nDATABASE_URL=${url}\nB=2\n`,
    ],
    [
      'a commented line',
      '# DATABASE_URL=postgres://u:p@h/d\n',
      (url: string) => `# DATABASE_URL=postgres://u:p@h/d\nDATABASE_URL=${url}\n`,
    ],
    [
      'a value of several lines',
      'KEY="-----\nDATABASE_URL=no\n-----"\n',
      (url: string) => `KEY="-----\nDATABASE_URL=no\n-----"\nDATABASE_URL=${url}\n`,
    ],
    [
      'names that end or begin like its own',
      'MY_DATABASE_URL=a\nDATABASE_URL_2=b\n',
      (url: string) => `MY_DATABASE_URL=a\nDATABASE_URL_2=b\nDATABASE_URL=${url}\n`,
    ],
  ])('keeps %s', async (_name, before, after) => {
    const { url, text } = await written(before)
    expect(text).toBe(after(url))
    expect(parse(text).DATABASE_URL).toBe(url)
  })

  it('changes nothing at the next start, and makes a public file private', async () => {
    const { place, text } = await written('A=1\n')
    const file = join(place, '.dev.vars')
    await rm(file)
    await writeFile(file, text, { mode: 0o644 })
    const { said, stop } = await dev(place, [...database, '--write', '.dev.vars'])
    await stop()
    expect(said.err).toContain('Kept DATABASE_URL in .dev.vars.')
    expect([await readFile(file, 'utf8'), await privateMode(file)]).toEqual([text, 0o600])
  })

  it('writes several files, and follows a link to a file in another folder', async () => {
    const place = await temporaryFolder()
    await mkdir(join(place, 'packages'))
    await writeFile(join(place, '.env'), 'SHARED=1\n')
    await symlink('../.env', join(place, 'packages', '.env'))
    const { url, stop } = await dev(join(place, 'packages'), [...database, '--write', '.env', '--write', '.dev.vars'])
    await stop()
    expect(await readFile(join(place, '.env'), 'utf8')).toBe(`SHARED=1\nDATABASE_URL=${url}\n`)
    expect(parse(await readFile(join(place, 'packages', '.dev.vars'), 'utf8')).DATABASE_URL).toBe(url)
    expect((await readdir(join(place, 'packages'))).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.each([
    ['another machine', 'postgres://me:s3cret@ep-x.eu.aws.neon.tech/db'],
    ['a Postgres of this machine', 'postgres://me:s3cret@localhost:5432/app'],
    ['nowhere', 's3cret'],
  ])('refuses to overwrite a DATABASE_URL for %s', async (_name, value) => {
    const place = await temporaryFolder()
    const content = `A=1\nDATABASE_URL='${value}'\n`
    await writeFile(join(place, '.env'), content)
    const { code, err } = await run(['dev', ...database, '--write', '.env'], {}, undefined, place)
    expect([code, await readFile(join(place, '.env'), 'utf8')]).toEqual([2, content])
    expect(err).toContain('Expected .env to have no DATABASE_URL, or one that pgstash dev wrote')
    expect(err).not.toContain('s3cret')
  })

  it('prints one line if the file cannot be written', async () => {
    const place = await temporaryFolder()
    await mkdir(join(place, '.env'))
    expect(await run(['dev', ...database, '--write', '.env'], {}, undefined, place)).toMatchObject({
      code: 2,
      err: 'pgstash: Expected .env to be a file that can be read (EISDIR).\n',
    })
    const missing = await run(['dev', ...database, '--write', 'no/where/.env'], {}, undefined, place)
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('can be written (ENOENT)') })
  })
})

describe('pgstash dev -- command', () => {
  const running = (command: string[], variables?: Record<string, string>) =>
    start(['dev', ...database, '--port', '0', '--data-dir', join(folder, 'server'), '--', ...command], variables)
  const script = (text: string) => [process.execPath, '-e', text]

  it('runs the command with the settings, and ends with its exit code', async () => {
    const { said, ended } = running(
      script('console.log(process.env.DATABASE_URL, process.argv.length); process.exitCode = 7'),
    )
    expect(await ended).toBe(7)
    expect(said.out).toMatch(/^postgresql:\/\/\S+@localhost:\d+\/\S+ 1\n$/)
  })

  it('replaces a DATABASE_URL that was set', async () => {
    const { said, ended } = running(script('console.log(process.env.DATABASE_URL)'), {
      DATABASE_URL: 'postgres://other/db',
    })
    await ended
    expect(said.out).not.toContain('other')
  })

  it('lets the command reach the database with one line of code', async () => {
    const { said, ended } = running([process.execPath, CLI, 'stats', '--json'])
    expect(await ended).toBe(0)
    expect(JSON.parse(said.out)).toMatchObject({ total: 0 })
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on to the command and its children', async (signal) => {
    const waiting = 'setInterval(() => {}, 1000)'
    const nested = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(waiting)}], { stdio: 'inherit' })`
    const { child, said, ended } = running(
      script(
        `${nested}; process.on('${signal}', () => { console.log('got it'); process.exit(5) }); console.log('ready'); ${waiting}`,
      ),
    )
    await expect.poll(() => said.out, { timeout: 60_000 }).toContain('ready')
    const members = family(child.pid ?? 0)
    expect(members).toHaveLength(3)
    child.kill(signal)
    expect(await ended).toBe(5)
    expect(said.out).toContain('got it')
    await expect.poll(() => alive(members), { timeout: 20_000 }).toEqual([])
  })

  it('ends like a shell if a signal has ended the command', async () => {
    expect(await running(script(`process.kill(process.pid, 'SIGKILL')`)).ended).toBe(137)
  })

  it('reports an unknown command', async () => {
    const { said, ended } = running(['no-such-command'])
    expect(await ended).toBe(127)
    expect(said.err).toContain('pgstash: cannot run no-such-command: no such command.')
  })

  it('requires -- before the command, so that its options are its own', async () => {
    expect(await run(['dev', 'wrangler', 'dev'])).toMatchObject({
      code: 2,
      err: 'pgstash: Expected -- before the command, as in: pgstash dev -- wrangler dev\n',
    })
  })

  it('lets a terminal send Ctrl-C to the command, once', async () => {
    const text = `let n = 0; process.on('SIGINT', () => { n++; setTimeout(() => { console.log('SIGINT ' + n); process.exit(0) }, 300) }); console.log('rea' + 'dy'); setInterval(() => {}, 1000)`
    const terminal = inTerminal([
      'dev',
      ...database,
      '--port',
      '0',
      '--data-dir',
      join(folder, 'server'),
      '--',
      ...script(text),
    ])
    await terminal.shows('ready')
    terminal.type('\u0003')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.text()).toContain('SIGINT 1')
  })
})
