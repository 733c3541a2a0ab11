/** Old and new compilers, each kind of module, and no error in a declaration that the package brings. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { install, linkPackages, manifest, pack, ROOT, run, writeIn } from './packed.ts'

/** Names of packages in `node_modules`. The first is the oldest version that README.md names. */
const COMPILERS = [
  'typescript-5.4',
  'typescript-5.6',
  'typescript-5.8',
  'typescript-5.9',
  'typescript-6.0',
  'typescript',
]
const RESOLUTIONS = { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' }
const STRICT = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false }
/** No DOM library, because a server may have none. */
const ENVIRONMENT = { target: 'es2022', lib: ['es2022'], types: ['node'] }
/** Each compiler checks Drizzle's declarations as well. */
const TIMEOUT_MS = 900_000

let project: string
/** The packages whose declarations must have no errors: ours, and its dependencies. */
let ours: string[]

beforeAll(async () => {
  project = await install(await pack())
  await linkPackages(project, ['@types/node', '@types/pg', 'hono', 'pg'])
  ours = ['pgstash', ...Object.keys((await manifest()).dependencies)]
  const program = await readFile(join(ROOT, 'test/package/consumer-drizzle/program.ts'), 'utf8')
  for (const kind of ['mts', 'cts', 'ts']) await writeIn(project, `program.${kind}`, program)
  // The module is loaded by `import` and Drizzle by `require`, so their declarations of Drizzle's classes differ.
  await writeIn(
    project,
    'dynamic.cts',
    `import { drizzle } from 'drizzle-orm/node-postgres'
export async function open() {
  const [{ createCache }, { migrate }] = [await import('pgstash'), await import('pgstash/migrate')]
  await migrate(drizzle(''))
  return createCache(drizzle(''))
}`,
  )
})

describe.each(COMPILERS)('%s', (compiler) => {
  it.each(Object.entries(RESOLUTIONS))(
    'compiles programs and our declarations under %s',
    async (moduleResolution, module) => {
      // A bundler has no CommonJS programs.
      const include = module === 'esnext' ? ['program.ts'] : ['program.mts', 'program.cts', 'dynamic.cts']
      expect(await errors(compiler, { ...STRICT, ...ENVIRONMENT, module, moduleResolution }, include)).toEqual([])
    },
    TIMEOUT_MS,
  )
})

it(
  'would see an error in our declarations',
  async () => {
    await writeIn(project, 'wrong.mts', `import { createCache } from 'pgstash'\nexport const cache = createCache(1)\n`)
    const options = { ...STRICT, ...ENVIRONMENT, module: 'nodenext', moduleResolution: 'nodenext' }
    expect(await errors('typescript', options, ['wrong.mts'])).toEqual([expect.stringContaining('wrong.mts')])
  },
  TIMEOUT_MS,
)

/** The lines of a compiler's output that name a program here, or one of our declarations. Those of Drizzle have errors. */
async function errors(compiler: string, compilerOptions: object, include: readonly string[]): Promise<string[]> {
  const file = `tsconfig.${crypto.randomUUID()}.json`
  await writeIn(project, file, JSON.stringify({ compilerOptions, include }))
  const { stdout } = await run('node', [join(ROOT, 'node_modules', compiler, 'bin/tsc'), '-p', file], project)
  return stdout.split('\n').filter((line) => {
    if (!/error TS\d+/.test(line)) return false
    const owner = /^.*\/?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(line.split('(', 1)[0] ?? '')?.[1]
    return owner === undefined || ours.includes(owner)
  })
}
