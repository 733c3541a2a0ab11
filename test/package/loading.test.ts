/** Which packages Node loads for each entry and each command: an import must cost only what it uses. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { neonOverFetch } from '../../docs/snippets/neon-fetch.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { entryPoints, importName, install, linkPackages, pack, run, writeIn } from './packed.ts'

/** Besides `drizzle-orm`, a required peer. */
const LOADED: Record<string, string[]> = {
  '.': ['@noble/hashes', 'devalue', 'lru-cache'],
  './schema': [],
  './migrate': ['@noble/hashes'],
  './drizzle': ['@noble/hashes', 'devalue'],
  './hono': ['@noble/hashes', 'hono', 'structured-headers'],
  './fetch': ['@noble/hashes', 'structured-headers'],
  './better-auth': [],
  './keyv': [],
  './next': ['@noble/hashes'],
  './unstorage': ['@noble/hashes'],
  './opennext': ['@noble/hashes'],
  './cron': ['@noble/hashes'],
  './admin': ['@noble/hashes', 'devalue', 'hono', 'jose'],
  './telemetry': ['@noble/hashes'],
  './dev': [],
  './testing': ['@noble/hashes', 'devalue'],
}

/** Writes the name of each package that a module of pgstash imports into the file that LOADED names. */
const HOOK = `import { appendFileSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  if (context.parentURL?.includes('/node_modules/pgstash/') && /^[@a-z]/.test(specifier) && !specifier.startsWith('node:')) {
    appendFileSync(process.env.LOADED, specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/') + '\\n')
  }
  return next(specifier, context)
}`

let folder: string

beforeAll(async () => {
  folder = await install(await pack())
  await linkPackages(folder, ['hono'])
  await writeIn(folder, 'hook.mjs', HOOK)
  await writeIn(
    folder,
    'register.mjs',
    `import { register } from 'node:module'; register('./hook.mjs', import.meta.url)`,
  )
})

it('lists every entry', async () => {
  expect(Object.keys(LOADED)).toEqual(await entryPoints())
})

it.each(Object.entries(LOADED))('%s loads only %j', async (key, expected) => {
  const { packages } = await loaded(['--input-type=module', '-e', `await import('${importName(key)}')`])
  expect(packages.filter((name) => name !== 'drizzle-orm')).toEqual(expected)
})

describe('the command pgstash', () => {
  const ALWAYS = ['@noble/hashes', 'commander', 'dotenv', 'drizzle-orm']
  let url: string

  beforeAll(async () => {
    const local = await startLocalNeon({ database: await createDatabase() })
    cleanup(() => local.close())
    url = local.connectionString
    await migrate(neonOverFetch(url, local.endpoint))
  })

  it.each([
    [['--version'], ALWAYS],
    [['set', 'key', '1'], ALWAYS],
    [['get', 'key'], ALWAYS],
    // In a pipe, cleanup writes lines. Only a terminal gets a bar, from cli-progress.
    [['clear-expired'], ALWAYS],
    [['stats'], [...ALWAYS, 'picocolors']],
  ])('%j loads only %j', async (args, expected) => {
    const command = join(folder, 'node_modules/pgstash/dist/cli/index.js')
    const { packages, stderr } = await loaded([command, ...args], { DATABASE_URL: url })
    expect({ packages, stderr }).toEqual({ packages: expected, stderr: '' })
  })
})

async function loaded(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ packages: string[]; stderr: string }> {
  const file = join(folder, `loaded-${crypto.randomUUID()}.txt`)
  await writeIn(folder, file.slice(folder.length), '')
  const { stderr } = await run('node', ['--import', './register.mjs', ...args], folder, { ...env, LOADED: file })
  const names = (await readFile(file, 'utf8')).split('\n').filter((name) => name !== '')
  return { packages: [...new Set(names)].sort(), stderr }
}
