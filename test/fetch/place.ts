/** Folders with recipes, and the servers that run there. */
import { spawn } from 'node:child_process'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ROOT, temporaryFolder } from '../package/packed.ts'
import { cleanup } from '../setup/cleanup.ts'
import { eventually } from '../setup/eventually.ts'
import { freePort } from '../setup/free-port.ts'
import type { Ask } from './recipe.ts'

type Paths = Readonly<Record<string, string>>

/** Packages that all recipes import. */
const PACKAGES = ['@neondatabase/serverless', 'drizzle-orm', 'hono']

export interface Place {
  /** From paths in the repository to those in the folder. */
  readonly files: Paths
  readonly packages?: readonly string[]
}

/** Creates a folder with copies of files, and with links to this package and others. */
export async function createPlace({ files, packages = [] }: Place): Promise<string> {
  const folder = await temporaryFolder()
  for (const [source, target] of Object.entries(files)) {
    await mkdir(dirname(join(folder, target)), { recursive: true })
    await cp(join(ROOT, source), join(folder, target), { recursive: true })
  }
  await link(folder, 'pgstash', ROOT)
  for (const name of [...PACKAGES, ...packages]) await link(folder, name, join(ROOT, 'node_modules', name))
  return folder
}

async function link(folder: string, name: string, target: string): Promise<void> {
  const path = join(folder, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path, 'dir')
}

/** A folder with the handler of the shared tests in place of the documented one. */
export async function createHandlerPlace(origin: string, { files, packages = [] }: Place): Promise<string> {
  const folder = await createPlace({
    files: {
      'test/fetch/runtimes': '.',
      'docs/snippets/http/handler.ts': 'documented.ts',
      ...files,
    },
    packages,
  })
  await writeFile(join(folder, 'origin.ts'), `export const ORIGIN = '${origin}'\n`)
  return folder
}

interface Command {
  readonly folder: string
  readonly command: readonly [program: string, ...args: string[]]
  readonly env?: Paths
}

interface Server extends Omit<Command, 'command'> {
  /** The server must listen on the port, which is also in its variable PORT. */
  command(port: string): Command['command']
}

/** Runs a server, and resolves once it is ready. */
export async function startProcess({ folder, command, env = {} }: Server): Promise<Ask> {
  const port = String(await freePort())
  const [program, ...args] = command(port)
  const { child, output } = spawnIn(folder, program, args, { ...env, PORT: port, HOST: '127.0.0.1' })
  const url = `http://127.0.0.1:${port}`
  await eventually(() => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended: ${output()}`)
    return fetch(`${url}/ready`, { method: 'OPTIONS' })
  })
  return (path, init) => fetch(url + path, init)
}

/** Runs a program to its end. @throws Error with its output, if it fails */
export async function runProcess({ folder, command: [program, ...args], env = {} }: Command): Promise<void> {
  const { child, output } = spawnIn(folder, program, args, env)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output()}`)
}

/** With a separate home, so that nothing is written elsewhere, and without vitest's own variables. */
function spawnIn(folder: string, program: string, args: readonly string[], env: Paths) {
  const { PATH = '' } = process.env
  const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder, TMPDIR: folder }
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH, ...home, NODE_ENV: 'production', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A separate process group, so that its children end with it.
    detached: true,
  })
  cleanup(() => killGroup(child.pid))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return { child, output: () => output }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // The process has ended.
  }
}
