/**
 * Applications of Nitro in separate folders, laid out as npm would: built there, and served by node from the output.
 */
import { cp, mkdir, readdir, rename, symlink } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { runProcess, startProcess } from '../fetch/place.ts'
import type { Ask } from '../fetch/recipe.ts'
import { ROOT, temporaryFolder } from '../package/packed.ts'

export interface App {
  /** Starts another process of the same build. */
  start(env: Readonly<Record<string, string>>): Promise<Ask>
}

interface Plan {
  /** A folder next to this file. */
  readonly app: string
  /** The program in the package `tool`. */
  readonly cli: string
  /** From paths in the repository to those in the application. */
  readonly files?: Readonly<Record<string, string>>
  /** The package whose modules import the driver by its name, so it must be able to resolve it. */
  readonly tool: string
}

/** Nothing listens here: a build must neither need the database nor wait for it. */
const DEAD_URL = 'postgresql://user:password@127.0.0.1:1/none'

/** Builds an application without a database. */
export async function buildApp({ app, cli, tool, files = {} }: Plan): Promise<App> {
  const folder = await temporaryFolder()
  await cp(join(ROOT, 'test/unstorage', app), folder, { recursive: true })
  for (const [from, to] of Object.entries(files)) await cp(join(ROOT, from), join(folder, to))
  await layOutModules(join(folder, 'node_modules'), tool)
  await runProcess({
    folder,
    command: [process.execPath, join(folder, 'node_modules', tool, cli), 'build'],
    env: { DATABASE_URL: DEAD_URL },
  })
  // In another folder, because a deployment has only the output: no package that was not traced or bundled.
  const deployed = await temporaryFolder()
  await rename(join(folder, '.output'), join(deployed, '.output'))
  return {
    async start(env) {
      let origin = ''
      const command = (port: string) => {
        origin = `http://127.0.0.1:${port}`
        return [process.execPath, '.output/server/index.mjs'] as const
      }
      await startProcess({ folder: deployed, command, env })
      return (path, init) => askAs(HOST, origin + path, init)
    },
  }
}

/** Keys of Nitro 3 contain the host with its port, so all processes must use one host name. */
const HOST = 'app.example.com'

/** Sends requests like `fetch`, which cannot send a host other than that of the URL. */
function askAs(host: string, url: string, { method, headers, ...init }: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const fields = { ...Object.fromEntries(new Headers(headers)), host }
    const sent = request(url, { method: method ?? 'GET', headers: fields }, (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('error', reject)
      message.on('end', () => {
        const received = new Headers(message.headers as Record<string, string>)
        const body = chunks.length === 0 ? null : Buffer.concat(chunks)
        resolve(new Response(body, { status: message.statusCode ?? 0, headers: received }))
      })
    })
    sent.on('error', reject)
    sent.end(init.body)
  })
}

/**
 * Links all packages, and copies those that must not see the repository's own `node_modules`. If the tool needs its own
 * version of a package, the application gets that version, as it would without the other tool.
 */
async function layOutModules(target: string, tool: string): Promise<void> {
  await mkdir(join(target, 'pgstash'), { recursive: true })
  for (const part of ['package.json', 'dist']) {
    await cp(join(ROOT, part), join(target, 'pgstash', part), { recursive: true })
  }
  const installed = join(ROOT, 'node_modules')
  await cp(join(installed, tool), join(target, tool), { recursive: true })
  const own = new Set(await readdir(join(installed, tool, 'node_modules')))
  for (const name of await readdir(installed)) {
    if (name.startsWith('.') || name === tool) continue
    const source = own.has(name) && !name.startsWith('@') ? join(installed, tool, 'node_modules') : installed
    await symlink(join(source, name), join(target, name), 'dir')
  }
}
