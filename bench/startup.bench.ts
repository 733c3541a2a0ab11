/** How long does a fresh process take from its first import to its first answer? Needs `npm run build`. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { expect, it } from 'vitest'
import { neonOverFetch } from '../docs/snippets/neon-fetch.ts'
import { createDatabase } from '../test/setup/databases.ts'

const exec = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ROUNDS = 15

const NEON = `const { neon, neonConfig } = await import('@neondatabase/serverless')
neonConfig.fetchEndpoint = () => process.env.ENDPOINT
const client = neon(process.env.DATABASE_URL)`
const DRIZZLE = `${NEON}
const { drizzle } = await import('drizzle-orm/neon-http')`

/** Programs that set `created` between import and first request. `answer` is the first answer. */
const PROGRAMS: Record<string, string> = {
  'neon(), a select by key': `${NEON}
created = performance.now()
answer = await client.query('select value from cache_entries where key = $1', ['key'])`,
  'Drizzle, the same select': `${DRIZZLE}
const { pgTable, text } = await import('drizzle-orm/pg-core')
const { eq } = await import('drizzle-orm')
created = performance.now()
const entries = pgTable('cache_entries', { key: text(), value: text() })
answer = await drizzle(client).select({ value: entries.value }).from(entries).where(eq(entries.key, 'key'))`,
  'pgstash, a get': `${DRIZZLE}
const { createCache } = await import('pgstash')
const cache = createCache(drizzle(client))
created = performance.now()
answer = await cache.get('key')`,
  'pgstash, a getOrSet': `${DRIZZLE}
const { createCache } = await import('pgstash')
const cache = createCache(drizzle(client))
created = performance.now()
answer = await cache.getOrSet('key', () => 1)`,
  'pgstash over fetch, a get': `const { neonOverFetch } = await import('./docs/snippets/neon-fetch.js')
const { createCache } = await import('pgstash')
const cache = createCache(neonOverFetch(process.env.DATABASE_URL, process.env.ENDPOINT))
created = performance.now()
answer = await cache.get('key')`,
}
const ONLY_BUNDLED = 'pgstash over fetch, a get'

const program = (code: string) => `const startedAt = performance.now()
let created, answer
${code}
const answered = performance.now()
if (!answer) throw new Error('no answer')
console.log(JSON.stringify([created - startedAt, answered - created, process.cpuUsage().user / 1_000]))`

it('starts: import, create, first request', async () => {
  const local = await startLocalNeon({ database: await createDatabase() })
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-startup-'))
  try {
    const { createCache } = await import('pgstash')
    const db = neonOverFetch(local.connectionString, local.endpoint)
    await migrate(db)
    await createCache(db).set('key', 'value')
    const env = { ...process.env, ENDPOINT: local.endpoint, DATABASE_URL: local.connectionString }
    const variants: { name: string; args: string[] }[] = []
    for (const [name, code] of Object.entries(PROGRAMS)) {
      if (name !== ONLY_BUNDLED)
        variants.push({ name: `${name}, from files`, args: ['--input-type=module', '-e', program(code)] })
      const file = join(folder, `${variants.length}.mjs`)
      await writeFile(file, await bundled(program(code)))
      variants.push({ name: `${name}, bundled`, args: [file] })
    }
    await compareStarts(variants, env)
  } finally {
    await rm(folder, { recursive: true })
    await local.close()
  }
})

async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

/** Runs the programs in turn, and prints the medians and their ratios to the first. */
async function compareStarts(
  variants: readonly { name: string; args: string[] }[],
  env: Record<string, string | undefined>,
): Promise<void> {
  const samples = variants.map((): number[][] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, { args }] of variants.entries()) {
      const { stdout } = await exec(process.execPath, args, { cwd: ROOT, env })
      // The first round fills the file system's cache.
      if (round > 0) samples[i]?.push(JSON.parse(stdout))
    }
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
  const rows = samples.map((own) => ({
    imported: median(own.map(([imported = 0]) => imported)),
    first: median(own.map(([, first = 0]) => first)),
    total: median(own.map(([imported = 0, first = 0]) => imported + first)),
    cpu: median(own.map(([, , cpu = 0]) => cpu)),
  }))
  expect(rows.every(({ total }) => total > 0)).toBe(true)
  console.log(
    `\n  ${''.padEnd(40)}${['import', 'first', 'total', 'CPU'].map((name) => `${name} ms`.padStart(11)).join('')}`,
  )
  for (const [i, { name }] of variants.entries()) {
    const { imported = 0, first = 0, total = 0, cpu = 0 } = rows[i] ?? {}
    const cells = [imported, first, total, cpu].map((ms) => ms.toFixed(1).padStart(11)).join('')
    console.log(`  ${name.padEnd(40)}${cells}  ×${(total / (rows[0]?.total ?? 1)).toFixed(2)}`)
  }
}
