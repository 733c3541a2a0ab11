/** Apps of this folder with the snippets of the docs, built and served by Next in a temporary folder. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { ROOT } from '../package/packed.ts'
import { cleanup } from '../setup/cleanup.ts'
import { eventually } from '../setup/eventually.ts'
import { freePort } from '../setup/free-port.ts'

const SOURCES = join(ROOT, 'test/next/app')
const NEXT = 'node_modules/next/dist/bin/next'
const PACKAGES = ['@neondatabase/serverless', 'drizzle-orm', 'hono', 'react', 'react-dom']
/** The packages that a copy of Next needs beside it. */
const PACKAGES_OF_NEXT = ['caniuse-lite', 'styled-jsx', 'client-only', 'tslib', 'picocolors', 'nanoid', 'source-map-js']

type Variables = Readonly<Record<string, string>>

export interface App {
  /** Runs `next build`, and returns its exit code and output. */
  build(variables: Variables): Promise<{ code: number | null; output: string }>
  /** Runs `next start`, and resolves when it is ready. */
  start(variables: Variables): Promise<Site>
}

export interface Site {
  readonly url: string
  /** The answer of a page or a route. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** The text in the last `<p>` or `<pre>` of a page: streamed content comes after its placeholder. */
  read(path: string, init?: RequestInit): Promise<string>
}

/**
 * An app of folders in `test/next/app`, the later over the earlier, and of snippets.
 *
 * @param snippets from paths in `docs/snippets` to those in the app
 * @param next the package in this repository that is Next in the app
 */
export async function createApp(folders: readonly string[], snippets: Variables, next = 'next'): Promise<App> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'pgstash-next-')))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  for (const each of folders) await cp(join(SOURCES, each), folder, { recursive: true })
  for (const [snippet, path] of Object.entries(snippets)) await writeSnippet(folder, snippet, path)
  await link(folder, 'pgstash', ROOT)
  for (const name of PACKAGES) await link(folder, name, join(ROOT, 'node_modules', name))
  if (next === 'next') await link(folder, next, join(ROOT, 'node_modules', next))
  else await copyNext(folder, next)

  const run = (args: string[], variables: Variables) => runNext(folder, args, variables)
  return {
    async build(variables) {
      const { child, output } = run(['build'], variables)
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
      return { code, output: output() }
    },
    async start(variables) {
      const port = await freePort()
      const url = `http://127.0.0.1:${port}`
      const { child, output } = run(['start', '-H', '127.0.0.1', '-p', String(port)], variables)
      await eventually(() => {
        if (child.exitCode !== null) throw new Error(`next start ended: ${output()}`)
        return fetch(`${url}/nothing-here`)
      })
      const ask: Site['fetch'] = (path, init) => fetch(url + path, init)
      return { url, fetch: ask, read: async (path, init) => textOf(await ask(path, init)) }
    },
  }
}

/** Without its types, because Next would look for the old compiler. With the local endpoint, as a user would set it. */
async function writeSnippet(folder: string, snippet: string, path: string): Promise<void> {
  const source = await readFile(join(ROOT, 'docs/snippets', snippet), 'utf8')
  const { code } = await transform(source, { loader: 'tsx', jsx: 'preserve' })
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), source.includes('drizzle(') ? `import '${endpointFor(path)}'\n${code}` : code)
}

/** Next loads handlers without bundling them, so they cannot use its aliases. */
const endpointFor = (path: string) => (path.endsWith('.mjs') ? './lib/endpoint.js' : '@/lib/endpoint')

/**
 * Next imports itself by its name, so another version must have that name. The copy shares its files with the original.
 */
async function copyNext(folder: string, name: string): Promise<void> {
  for (const each of PACKAGES_OF_NEXT) await link(folder, each, join(ROOT, 'node_modules', each))
  const source = await realpath(join(ROOT, 'node_modules', name))
  await promisify(execFile)('cp', ['-rl', source, join(folder, 'node_modules/next')])
}

async function link(folder: string, name: string, target: string): Promise<void> {
  const path = join(folder, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path, 'dir')
}

function runNext(folder: string, args: string[], variables: Variables): { child: ChildProcess; output(): string } {
  // Vitest's NODE_ENV would make a build of another kind. A separate home keeps Next from writing elsewhere.
  const { PATH = '' } = process.env
  const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder }
  const child = spawn(process.execPath, [join(folder, NEXT), ...args], {
    cwd: folder,
    env: { PATH, ...home, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production', ...variables } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A separate process group, so that the workers of a build end with it.
    detached: true,
  })
  cleanup(() => killGroup(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  return { child, output: () => output }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // The process has ended.
  }
}

async function textOf(response: Response): Promise<string> {
  const html = await response.text()
  // React marks the borders of texts by comments.
  const [, text] = [...html.replaceAll(/<!--.*?-->/g, '').matchAll(/<(?:p|pre)>(.*?)<\/(?:p|pre)>/gs)].at(-1) ?? []
  if (text === undefined)
    throw new Error(`Expected a page with a paragraph, got ${response.status}: ${html.slice(0, 300)}`)
  return text.replaceAll('&quot;', '"')
}
