/** The folders of `examples/`, copied and run as their READMEs say, with the package as its users get it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { satisfies } from 'semver'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { freePort } from '../setup/free-port.ts'
import { install, pack, ROOT, run, writeIn } from './packed.ts'

// `next build`, and a command that starts three others, on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

type Variables = Readonly<Record<string, string>>

interface Manifest {
  readonly dependencies: Variables
  readonly devDependencies: Variables
}

/** Next needs the older compiler, whose name here is another one. */
const NAMES_HERE: Variables = { typescript: 'typescript-5.9' }
/** Put into the folder by `install`. */
const INSTALLED = ['pgstash', 'drizzle-orm']

/** Stands in for api.github.com, and counts the requests. */
interface GitHub {
  readonly url: string
  readonly requests: string[]
}

describe('examples/workers', () => {
  let example: Example
  let github: GitHub
  let url: string

  beforeAll(async () => {
    example = await createExample('workers')
    github = await startGitHub()
    await writeIn(example.folder, '.dev.vars', 'HOOK_SECRET=local-secret\n')
    const port = await freePort()
    const args = ['--port', String(port), '--inspector-port', '0', '--var', `GITHUB_API:${github.url}`]
    const { ready } = example.start('dev', args, { CI: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false' })
    await ready('Ready on')
    url = `http://127.0.0.1:${port}`
  })

  it('type-checks', async () => {
    expect(await example.check()).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('answers the second request from the cache, and asks again after the hook', async () => {
    const read = async () => (await (await fetch(`${url}/stars/honojs/hono`)).json()) as { stars: number }
    const first = await read()
    expect(first).toMatchObject({ repository: 'honojs/hono', stars: 1 })
    expect(await read()).toEqual(first)
    expect(github.requests).toEqual(['/repos/honojs/hono'])
    expect((await hook('local-secret')).status).toBe(204)
    expect(await read()).toMatchObject({ stars: 2 })
  })

  it('answers the second request for a page from the cache, and not after the hook', async () => {
    const read = async () => {
      const response = await fetch(`${url}/badge/honojs/hono`)
      return `${response.headers.get('cache-status')?.match(/hit|fwd=\w+/)?.[0]} ${await response.text()}`
    }
    const first = await read()
    expect(first).toMatch(/^fwd=\S+ <p>★ \d<\/p>$/)
    // The page is stored after the response.
    await expect.poll(read).toBe(first.replace(/^fwd=\S+/, 'hit'))
    await hook('local-secret')
    expect(await read()).toMatch(/^fwd=/)
  })

  it('refuses a hook without the secret', async () => {
    expect((await hook('another-secret')).status).toBe(401)
  })

  it('deletes expired entries when the cron trigger fires', async () => {
    expect((await fetch(`${url}/cdn-cgi/handler/scheduled`)).status).toBe(200)
  })

  function hook(secret: string): Promise<Response> {
    const body = JSON.stringify({ repository: { full_name: 'honojs/hono' } })
    return fetch(`${url}/hook`, { method: 'POST', headers: { authorization: `Bearer ${secret}` }, body })
  }
})

describe('examples/node', () => {
  let example: Example
  let url: string

  beforeAll(async () => {
    example = await createExample('node')
    const { ready } = example.start('dev', [], { PASSWORD: 'secret', PORT: String(await freePort()) })
    url = (await ready(/Ready on (\S+)/))[1] ?? ''
  })

  it('type-checks', async () => {
    expect(await example.check()).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('answers the second request from the cache, and renders again after an editor has changed the post', async () => {
    const first = await read()
    expect(first).toMatchObject({ slug: 'hello', words: 4 })
    expect(await read()).toEqual(first)
    expect((await change('Two words')).status).toBe(401)
    expect((await change('Two words', await logIn('secret'))).status).toBe(204)
    expect(await read()).toMatchObject({ words: 2, text: 'Two words' })
  })

  it('refuses a wrong password', async () => {
    expect(await logIn('wrong')).toBe('')
  })

  it('deletes expired entries by cron', async () => {
    const { code, stdout, stderr } = await example.run('cleanup')
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Removed 0 entries.\n', stderr: '' })
  })

  async function read(): Promise<unknown> {
    return (await fetch(`${url}/posts/hello`)).json()
  }

  async function logIn(password: string): Promise<string> {
    const headers = { authorization: `Basic ${btoa(`editor:${password}`)}` }
    const response = await fetch(`${url}/login`, { method: 'POST', headers })
    return response.headers.get('set-cookie')?.split(';')[0] ?? ''
  }

  function change(body: string, cookie = ''): Promise<Response> {
    return fetch(`${url}/posts/hello`, { method: 'PUT', headers: { cookie }, body })
  }
})

describe('examples/next', () => {
  let example: Example
  let url: string
  let github: GitHub

  beforeAll(async () => {
    example = await createExample('next')
    github = await startGitHub()
    const port = await freePort()
    const variables = { GITHUB_API: github.url, CRON_SECRET: 'a-secret-of-a-test' }
    const { ready } = example.start('dev', ['-p', String(port), '-H', '127.0.0.1'], variables)
    await ready('Ready in')
    url = `http://127.0.0.1:${port}`
  })

  it('answers the second request from the cache, and asks again after the button', async () => {
    const first = await read()
    expect(first.text).toMatch(/^Next\.js v1, read at 2/)
    expect((await read()).text).toBe(first.text)
    const form = new FormData()
    form.set(first.action, '')
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200)
    expect((await read()).text).toMatch(/^Next\.js v2, /)
    expect(github.requests).toEqual(Array(2).fill('/repos/vercel/next.js/releases/latest'))
  })

  it('deletes expired entries when the scheduler calls, and refuses others', async () => {
    const call = (secret: string) => fetch(`${url}/api/cleanup`, { headers: { authorization: `Bearer ${secret}` } })
    expect((await call('another-secret-of-a-test')).status).toBe(401)
    expect(await (await call('a-secret-of-a-test')).json()).toEqual({ removed: expect.any(Number), more: false })
  })

  it('builds and type-checks without a database', async () => {
    const other = await createExample('next')
    const { code, stdout, stderr } = await other.run('build')
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/ƒ \/\s/)
  })

  /** The page's text, and the name of the field by which Next knows the action of the form. */
  async function read(): Promise<{ text: string; action: string }> {
    // React marks the borders of texts by comments.
    const html = (await (await fetch(url)).text()).replaceAll(/<!--.*?-->/g, '')
    const text = /<p>(.*?)<\/p>/s.exec(html)?.[1] ?? html
    return { text, action: /name="(\$ACTION_ID_\w+)"/.exec(html)?.[1] ?? '' }
  }
})

interface Example {
  readonly folder: string
  /** Runs a script of its package.json to the end. */
  run(script: string): ReturnType<typeof run>
  check(): ReturnType<typeof run>
  /** Starts a script. `ready` resolves when the output matches. */
  start(
    script: string,
    args: readonly string[],
    variables: Variables,
  ): { ready(text: string | RegExp): Promise<RegExpMatchArray> }
}

/** A copy of an example in a folder of its own, with the packages that its package.json names. */
async function createExample(name: string): Promise<Example> {
  const folder = await install(await pack())
  await cp(join(ROOT, 'examples', name), folder, { recursive: true })
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  const needed = { ...dependencies, ...devDependencies }
  // The packages of this folder are links, and Turbopack follows none that leave its root.
  if ('next' in needed) await writeIn(folder, 'next.config.mjs', `export default { turbopack: { root: '/' } }`)
  for (const [dependency, range] of Object.entries(needed)) {
    const here = range.startsWith('^5') ? (NAMES_HERE[dependency] ?? dependency) : dependency
    const path =
      dependency === 'pgstash' ? join(ROOT, 'package.json') : join(ROOT, 'node_modules', here, 'package.json')
    const { version, bin = {} } = JSON.parse(await readFile(path, 'utf8'))
    expect(satisfies(version, range), `${name} wants ${dependency}@${range}, ${version} is here`).toBe(true)
    if (INSTALLED.includes(dependency)) continue
    const link = join(folder, 'node_modules', dependency)
    await mkdir(join(link, '..'), { recursive: true })
    await symlink(join(ROOT, 'node_modules', here), link)
    const commands: Record<string, string> = typeof bin === 'string' ? { [dependency]: bin } : bin
    for (const [command, file] of Object.entries(commands)) {
      await symlink(join('..', dependency, file), join(folder, 'node_modules/.bin', command))
    }
  }
  const { PATH = '' } = process.env
  const env = {
    PATH,
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_CACHE_HOME: folder,
    npm_config_cache: join(folder, '.npm'),
    npm_config_update_notifier: 'false',
    NEXT_TELEMETRY_DISABLED: '1',
    WRANGLER_SEND_METRICS: 'false',
  }
  // Without NODE_ENV, it would be Vitest's, with which Next builds another kind of app.
  const runScript = (script: string) =>
    run('npm', ['run', '--silent', script], folder, { ...env, NODE_ENV: 'production' })
  return {
    folder,
    run: runScript,
    check: () => runScript('check'),
    start(script, args, variables) {
      const child = spawn('npm', ['run', script, '--', ...args], {
        cwd: folder,
        env: { ...env, ...variables } as NodeJS.ProcessEnv,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      const ended = new Promise((resolve) => child.on('close', resolve))
      // Otherwise a file that it writes while it ends would keep its folder from being removed.
      cleanup(() => {
        killGroup(child)
        return ended
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          output += chunk
        })
      }
      return {
        ready: (text) =>
          vi.waitFor(
            () => {
              const found = output.match(text)
              if (found === null) throw new Error(`Expected ${text} in the output, got:\n${output}`)
              return found
            },
            { timeout: 500_000, interval: 100 },
          ),
      }
    },
  }
}

async function startGitHub(): Promise<GitHub> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const count = requests.push(request.url ?? '')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ stargazers_count: count, tag_name: `v${count}` }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended.
  }
}
