/** The first steps of a new user, with the code of the docs and the settings that `pgstash dev` prints. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'dotenv'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { freePort } from '../setup/free-port.ts'
import { alive, family } from '../worker/processes.ts'
import { run, start } from './command.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SNIPPETS = join(ROOT, 'docs/snippets')

async function project(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-first-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function dev(folder: string, ...args: string[]) {
  const started = start(['dev', '--port', '0', ...args], {}, undefined, folder)
  await expect.poll(() => started.said.out + started.said.err, { timeout: 120_000 }).toContain('Ctrl-C stops it.')
  return started
}

async function bundle(snippet: string, conditions: string[]): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(SNIPPETS, snippet)],
    bundle: true,
    format: 'esm',
    write: false,
    conditions,
    external: ['cloudflare:workers'],
    // Without the paths of the repository, `pgstash` resolves to the exports of the package.
    tsconfigRaw: {},
  })
  return outputFiles[0]?.text ?? ''
}

it.each(['quickstart.ts', 'worker.ts'])('%s caches in workerd, with the written .dev.vars', async (snippet) => {
  const folder = await project()
  await dev(folder, '--write', '.dev.vars')
  const worker = new Miniflare({
    modules: true,
    script: await bundle(snippet, ['workerd']),
    compatibilityDate: '2026-04-01',
    bindings: parse(await readFile(join(folder, '.dev.vars'), 'utf8')),
    cf: false,
  })
  cleanup(() => worker.dispose())
  const ask = async () => (await worker.dispatchFetch('https://app.example/page')).text()
  const miss = await ask()
  expect(miss).toMatch(/^Computed at \d{4}-/)
  expect(await ask()).toBe(miss)
  // The value is not only in the isolate: the command finds it in the database.
  expect(JSON.parse((await run(['stats', '--json'], {}, undefined, folder)).out)).toMatchObject({ total: 1 })
})

it('its printed lines work in Node unchanged: paste the line, import, call', async () => {
  const folder = await project()
  const { said } = await dev(folder)
  const line = said.out.split('\n').find((text) => text.startsWith('DATABASE_URL='))
  const code = said.out.split('\n').filter((text) => /^(import|enableLocalNeon)/.test(text))
  expect(code).toHaveLength(3)
  await writeFile(join(folder, '.env'), `${line}\n`)
  await mkdir(join(folder, 'node_modules', '@neondatabase'), { recursive: true })
  for (const name of ['@neondatabase/serverless', 'drizzle-orm']) {
    await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  await symlink(ROOT, join(folder, 'node_modules', 'pgstash'))
  await writeFile(
    join(folder, 'app.mjs'),
    `${code.join('\n')}
    import { drizzle } from 'drizzle-orm/neon-http'
    import { createCache } from 'pgstash'
    const cache = createCache(drizzle(process.env.DATABASE_URL))
    await cache.set('from node', 1)`,
  )
  const { DATABASE_URL = '' } = parse(await readFile(join(folder, '.env'), 'utf8'))
  await import('node:child_process').then(({ execFileSync }) =>
    execFileSync(process.execPath, ['app.mjs'], { cwd: folder, env: { PATH: process.env.PATH, DATABASE_URL } }),
  )
  expect((await run(['get', 'from node'], {}, undefined, folder)).out).toBe('1\n')
})

it('wrangler dev caches with the environment that `pgstash dev --` sets, and leaves nothing behind', async () => {
  const folder = await project()
  await mkdir(join(folder, 'src'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await cp(join(SNIPPETS, 'quickstart.ts'), join(folder, 'src', 'index.ts'))
  await writeFile(
    join(folder, 'wrangler.json'),
    JSON.stringify({
      name: 'first-use',
      main: 'src/index.ts',
      compatibility_date: '2026-04-01',
      alias: { pgstash: join(ROOT, 'dist/index.js') },
      // Without the paths of the repository, `#tcp` resolves to the module for workerd.
      tsconfig: 'tsconfig.json',
    }),
  )
  await writeFile(join(folder, 'tsconfig.json'), '{}')
  const port = await freePort()
  const { child, said, ended } = start(
    ['dev', '--port', '0', '--', 'wrangler', 'dev', '--port', String(port), '--inspector-port', '0'],
    { CI: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' },
    undefined,
    folder,
  )
  await expect.poll(() => said.out + said.err, { timeout: 120_000 }).toContain('Ready on')
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/`)).text()
  const miss = await ask()
  expect(miss).toMatch(/^Computed at /)
  expect(await ask()).toBe(miss)
  const members = family(child.pid ?? 0)
  expect(members.length).toBeGreaterThan(2)
  child.kill('SIGTERM')
  await ended
  await expect.poll(() => alive(members), { timeout: 30_000 }).toEqual([])
})
