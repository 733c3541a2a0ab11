/** Builds `dist`: bundled code, declarations that users can reach, and both once more for `require`. `npm run build` runs it. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundle } from './code.mjs'
import { writeCommonJs } from './commonjs.mjs'
import { writeDeclarations } from './declarations.mjs'

const exec = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const DIST = join(ROOT, 'dist')

/** Files that programs reach by their path: the command, a process that it starts, and both values of `#tcp`. */
const PROGRAMS = [
  'cli/index.js',
  'cli/load-process.js',
  'postgres/connections/no-tcp.js',
  'postgres/connections/tcp.js',
]

/**
 * Modules that import a package which does not declare `sideEffects: false`. In a chunk of its own, a bundler can drop such a
 * module together with its imports. In `hono/index.js`, it would add Hono's parser of requests to a Worker with `sessionStore`.
 */
const APART = ['hono/purge-route.js']

const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
const entries = Object.values(exports)
  .filter((entry) => typeof entry !== 'string')
  .map((entry) => entry.default.replace('./dist/', ''))

const draft = await mkdtemp(join(tmpdir(), 'pgstash-build-'))
try {
  await compile('--outDir', draft)
  await rm(DIST, { recursive: true, force: true })
  await bundle(ROOT, [...entries, ...PROGRAMS], APART, DIST)
  writeDeclarations(draft, entries.map(toDeclarations), DIST)
  writeCommonJs(DIST, entries)
} finally {
  await rm(draft, { recursive: true, force: true })
}

function toDeclarations(file) {
  return file.replace(/\.js$/, '.d.ts')
}

async function compile(...options) {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  await exec(process.execPath, [compiler, '-p', join(ROOT, 'tsconfig.build.json'), ...options]).catch((error) => {
    throw new Error(`The compiler found errors:\n${error.stdout}`)
  })
}
