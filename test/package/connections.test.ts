/** Connection strings in programs that are bundled, with and without drivers. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { bundleForEdge } from './bundle.ts'
import { bin, install, linkPackages, pack, run, writeIn } from './packed.ts'
import { COMPATIBILITY_DATES, startWorker } from './runtimes.ts'

const PROGRAM = `import { createCache } from 'pgstash'
  const cache = createCache.fromEnv(process.env, { timeout: 60_000, warn: false })
  await cache.set('key', 'value', { expiration: '1h' }).catch(({ code, message }) => console.log(code, message))
  console.log(await cache.get('key').catch(({ code }) => code))`
const NEEDS_PG =
  'DATABASE Expected the package pg to be installed, because this connection string needs TCP: npm install pg\nDATABASE'

/** Has no driver. */
let bare: string
let withPg: string
let database: string
let http: string

beforeAll(async () => {
  const packed = await pack()
  ;[bare, withPg] = [await install(packed), await install(packed)]
  await linkPackages(withPg, ['pg', 'postgres', '@neondatabase/serverless', '@electric-sql/pglite'])
  database = await createDatabase()
  await migrate(database)
  const server = await startLocalNeon({ database })
  cleanup(() => server.close())
  http = server.connectionString
})

async function outputOf(folder: string, file: string, url: string, program = process.execPath, args: string[] = []) {
  const { code, stdout, stderr } = await run(program, [...args, file], folder, { DATABASE_URL: url })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

describe('a program of Node', () => {
  it('needs no driver for an HTTP database, names the one for TCP, and ends by itself', async () => {
    for (const folder of [bare, withPg]) await writeFile(join(folder, 'program.mjs'), PROGRAM)
    expect(await outputOf(bare, 'program.mjs', http)).toBe('value')
    expect(await outputOf(bare, 'program.mjs', database)).toBe(NEEDS_PG)
    expect(await outputOf(withPg, 'program.mjs', database)).toBe('value')
  })

  it.each(['esm', 'cjs'] as const)('does the same once it is bundled by esbuild as %s', async (format) => {
    const [imports = '', ...rest] = PROGRAM.split('\n')
    const bundled = `${imports}\n(async () => { ${rest.join('\n')} })()`
    for (const [folder, expected] of [
      [bare, NEEDS_PG],
      [withPg, 'value'],
    ] as const) {
      const outfile = join(folder, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs')
      // The `require` of CommonJS packages.
      const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
      await build({
        stdin: { contents: bundled, resolveDir: folder },
        absWorkingDir: folder,
        bundle: true,
        platform: 'node',
        format,
        outfile,
        external: ['pg-native'],
        ...(format === 'esm' && { banner: { js: banner } }),
        tsconfigRaw: {},
        logLevel: 'silent',
      })
      expect(await outputOf(folder, outfile, database)).toBe(expected)
    }
  })
})

describe('a bundle for the edge', () => {
  const WORKER = `import { createCache } from 'pgstash'
    let cache
    export default { async fetch(_request, env) {
      cache ??= createCache.fromEnv(env, { timeout: 60_000, warn: false })
      try {
        await cache.set('edge', { made: 'there' })
        return Response.json(await cache.get('edge'))
      } catch ({ code, message }) {
        return Response.json({ code, message })
      }
    } }`

  it('contains no driver, also if all of them are installed', async () => {
    const [small, same] = await Promise.all(
      [bare, withPg].map((folder) => bundleForEdge({ entry: WORKER, folder, minify: true })),
    )
    expect(same?.length).toBe(small?.length)
  })

  it.each(COMPATIBILITY_DATES)('reaches a local Neon in workerd, compatibility date %s', async (compatibilityDate) => {
    const script = await bundleForEdge({ entry: WORKER, folder: bare })
    const worker = await startWorker(script, { bindings: { POSTGRES_URL: http }, compatibilityDate })
    for (let i = 0; i < 2; i++) expect(await (await fetch(worker)).json()).toEqual({ made: 'there' })
  })

  it('refuses a connection string that needs TCP, and says what to do', async () => {
    const script = await bundleForEdge({ entry: WORKER, folder: bare })
    const worker = await startWorker(script, { bindings: { DATABASE_URL: 'postgresql://ada:secret@db.example/shop' } })
    expect(await (await fetch(worker)).json()).toEqual({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('pass a client of pg or postgres, made for each request'),
    })
    const none = await startWorker(script, { bindings: {} })
    expect(await (await fetch(none)).json()).toMatchObject({
      code: 'DATABASE',
      message: expect.stringMatching(/^Expected one of/),
    })
  })
})

describe.each([
  ['Bun', 'bun', ['run']],
  ['Deno', 'deno', ['run', '--allow-all', '--no-prompt']],
])('%s', (_name, program, args) => {
  it('opens a connection string over HTTP and over TCP', async () => {
    await writeIn(withPg, 'program.mjs', PROGRAM)
    for (const url of [http, database]) {
      expect(await outputOf(withPg, 'program.mjs', url, bin(program), args)).toBe('value')
    }
  })
})
