/** The package as users get it: packed from a clean copy, and installed in a new folder. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inject, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { layOut } from './node-modules.ts'

const exec = promisify(execFile)

// Using the package may take long, because it has to be packed first, on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 600_000 })

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Folders that a clean checkout does not have, or that no build reads. One file each replaces `test`, `bench` and
 * `examples`.
 */
const NOT_COPIED = new Set([
  'node_modules',
  'dist',
  '.git',
  '.pgstash',
  '.wrangler',
  'coverage',
  'test',
  'bench',
  'examples',
])

/** Files that must never reach the tarball, in places where people leave them. */
export const SENTINELS = [
  'test/sentinel.test.ts',
  'bench/sentinel.ts',
  'examples/sentinel.ts',
  '.env',
  '.dev.vars',
  'docs/snippets/.env',
]
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
  /** The folder of the build. No file in the tarball may name it. */
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

/**
 * Builds and packs the package in a clean copy of the repository. Other tests use `dist/` meanwhile, so it stays unchanged.
 *
 * All test files of a run share the package. The first one packs it, and the others wait.
 */
export async function pack(): Promise<Packed> {
  const folder = inject('packedFolder')
  const result = join(folder, 'packed.json')
  const isFirst = await mkdir(join(folder, 'build')).then(
    () => true,
    () => false,
  )
  if (isFirst) {
    const packed = await packInto(folder).catch((error: Error) => ({ failure: error.message }))
    await writeFile(`${result}.draft`, JSON.stringify(packed))
    await rename(`${result}.draft`, result)
  }
  const text = await vi.waitFor(() => readFile(result, 'utf8'), { interval: 50, timeout: 500_000 })
  const packed = JSON.parse(text) as Packed & { failure?: string }
  if (packed.failure !== undefined) throw new Error(`npm pack failed: ${packed.failure}`)
  return packed
}

async function packInto(folder: string): Promise<Packed> {
  const buildFolder = join(folder, 'build')
  await cp(ROOT, buildFolder, {
    recursive: true,
    filter: (source) => dirname(source) !== ROOT.replace(/\/$/, '') || !NOT_COPIED.has(source.slice(ROOT.length)),
  })
  for (const file of SENTINELS) await writeIn(buildFolder, file, `export const secret = '${SENTINEL_TEXT}'\n`)
  await symlink(join(ROOT, 'node_modules'), join(buildFolder, 'node_modules'))
  // npm writes its log into the cache, and home folders may be read-only. So it gets its own cache.
  const env = { ...process.env, npm_config_cache: join(folder, 'npm-cache'), npm_config_offline: 'true' }
  const { stdout } = await exec('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: buildFolder, env })
  return { tarball: join(folder, stdout.trim().split('\n').at(-1) ?? ''), buildFolder }
}

/** Unpacks the tarball as it is. */
export async function unpack({ tarball }: Packed): Promise<string> {
  const folder = await temporaryFolder()
  await exec('tar', ['-xzf', tarball, '-C', folder])
  return join(folder, 'package')
}

/**
 * Installs the tarball in an empty folder: the package with its dependencies and `drizzle-orm`, and no optional peer.
 *
 * It does not use npm, which asks the registry about every package that its cache does not have, and fails without a network.
 */
export async function install(packed: Packed): Promise<string> {
  const folder = await temporaryFolder()
  await writeIn(folder, 'package.json', JSON.stringify({ private: true, type: 'module' }))
  await layOut(folder, { pgstash: await unpack(packed), 'drizzle-orm': join(ROOT, 'node_modules/drizzle-orm') }, ROOT)
  return folder
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
