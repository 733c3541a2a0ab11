/** The package as its users get it: packed from a clean copy, and installed in a folder of its own. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cleanup } from '../setup/cleanup.ts'

const exec = promisify(execFile)

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Not part of a clean checkout, or nothing that a build reads. `test` and `bench` are replaced by a file each. */
const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.pgstash', '.wrangler', 'coverage', 'test', 'bench'])

/** What must never reach the tarball, put where people leave such things. */
export const SENTINELS = ['test/sentinel.test.ts', 'bench/sentinel.ts', '.env', '.dev.vars', 'docs/snippets/.env']
export const SENTINEL_TEXT = 'must-not-be-packed'

export interface Manifest {
  readonly version: string
  readonly exports: Record<string, string | { types: string; default: string }>
  readonly bin: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
}

export interface Packed {
  /** Path of the `.tgz`. */
  readonly tarball: string
  /** Where it was built: no file in the tarball may say. */
  readonly buildFolder: string
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A new folder, removed when the test file ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'pgstash-package-')))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Builds and packs a copy of the repository, so that the `dist/` that others use stays as it is. */
export async function pack(): Promise<Packed> {
  const folder = await temporaryFolder()
  const buildFolder = join(folder, 'build')
  await cp(ROOT, buildFolder, {
    recursive: true,
    filter: (source) => dirname(source) !== ROOT.replace(/\/$/, '') || !NOT_COPIED.has(source.slice(ROOT.length)),
  })
  for (const file of SENTINELS) await writeIn(buildFolder, file, `export const secret = '${SENTINEL_TEXT}'\n`)
  await symlink(join(ROOT, 'node_modules'), join(buildFolder, 'node_modules'))
  const { stdout } = await exec('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: buildFolder })
  return { tarball: join(folder, stdout.trim().split('\n').at(-1) ?? ''), buildFolder }
}

/** Unpacks the tarball as it is. */
export async function unpack({ tarball }: Packed): Promise<string> {
  const folder = await temporaryFolder()
  await exec('tar', ['-xzf', tarball, '-C', folder])
  return join(folder, 'package')
}

/**
 * Installs the tarball in an empty folder with npm: its dependencies and `drizzle-orm`, and no optional peer.
 *
 * What it depends on comes from this repository's `node_modules`, as copies, so that no network is needed.
 */
export async function install({ tarball }: Packed): Promise<string> {
  const folder = await temporaryFolder()
  const { dependencies } = await manifest()
  const found = await foldersOf(['drizzle-orm', ...Object.keys(dependencies)], ROOT)
  const installed = Object.fromEntries([...found].map(([name, path]) => [name, `file:${path}`]))
  await writeIn(
    folder,
    'package.json',
    JSON.stringify({ private: true, type: 'module', dependencies: { pgstash: `file:${tarball}`, ...installed } }),
  )
  // Without a network npm cannot look up the optional peers, which are not to be installed anyway.
  const offline = ['--offline', '--legacy-peer-deps', '--install-links']
  const flags = [...offline, '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  await exec('npm', ['install', '--silent', ...flags], { cwd: folder })
  return folder
}

/** Where packages are, and all that they depend on in turn, as seen from a folder. */
async function foldersOf(names: readonly string[], from: string, found = new Map<string, string>()) {
  for (const name of names.filter((each) => !found.has(each))) {
    const nested = join(from, 'node_modules', name)
    const folder = existsSync(nested) ? nested : join(ROOT, 'node_modules', name)
    found.set(name, folder)
    const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Partial<Manifest>
    await foldersOf(Object.keys(dependencies), folder, found)
  }
  return found
}

/** Adds packages to a folder made by {@link install}. */
export async function linkPackages(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), link)
  }
}

/** The repository's package.json. */
export async function manifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest
}

/** Every key of `exports` that is code: all but `./package.json`. */
export async function entryPoints(): Promise<string[]> {
  return Object.keys((await manifest()).exports).filter((key) => key !== './package.json')
}

/** The entries that must run without Node. */
export async function edgeEntryPoints(): Promise<string[]> {
  return (await entryPoints()).filter((key) => key !== './dev')
}

/** `.` is `pgstash`, `./schema` is `pgstash/schema`. */
export function importName(key: string): string {
  return `pgstash${key.slice(1)}`
}

export async function writeIn(folder: string, path: string, content: string): Promise<void> {
  const file = join(folder, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}

/** Runs a program to its end, whatever its exit code. */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ran> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    const { stdout, stderr } = await exec(program, args, options)
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { code, stdout, stderr }
  }
}

/** A program of this repository's `node_modules/.bin`. */
export function bin(name: string): string {
  return join(ROOT, 'node_modules', '.bin', name)
}
