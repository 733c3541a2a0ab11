/** `npm run bench`: installs the peers if they are missing, and runs each question in a process of its own. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Command } from 'commander'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(HERE)
/** Exit code of a question that was told to stop. */
const INTERRUPTED = 130
const questions = readdirSync(join(HERE, 'questions')).map((file) => file.replace(/\.ts$/, ''))
/** Older programs, which vitest runs. They print tables and write no results. */
const programs = readdirSync(HERE)
  .flatMap((file) => /^(.+)\.bench\.ts$/.exec(file)?.[1] ?? [])
  .filter((name) => !questions.includes(name))

const command = new Command('npm run bench --')
  .description('Measures pgstash against its peers. Build it first: npm run build.')
  .argument('[names...]', 'questions; none lists them')
  .option('--all', 'ask all questions')
  .option('--quick', 'prove that the harness works; the figures mean nothing')
  .option('--full', 'all combinations, more rounds, 10 million entries')
  .option('--rounds <n>', 'counted rounds')
  .option('--entries <list>', 'numbers of entries for questions about growth, such as 10000,1000000')
  .option('--pgstash <folder>', 'another built checkout, or label=folder; may be repeated', collect, [])
  .parse()
const options = command.opts()
const names = options.all ? questions : command.args

function collect(value, all) {
  return [...all, value]
}

/** Resolves with the exit code. Passes signals on, so that the question stops its server before it ends. */
function run(file, args, env = {}) {
  const child = spawn(file, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } })
  const stop = (signal) => child.kill(signal)
  const signals = ['SIGTERM', 'SIGINT']
  for (const signal of signals) process.once(signal, stop)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, stop)
      if (code === INTERRUPTED || signal !== null) process.exit(INTERRUPTED)
      resolve(code ?? 1)
    })
  })
}

async function installPeers() {
  const require = createRequire(join(HERE, 'package.json'))
  const { dependencies } = require('./package.json')
  const missing = Object.keys(dependencies).filter((name) => !existsSync(join(HERE, 'node_modules', name)))
  if (missing.length === 0) return require.resolve('tsx')
  console.log(`Installing ${missing.length} packages that the benchmarks need into bench/node_modules.`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  if ((await run(npm, ['ci', '--prefix', HERE, '--no-audit', '--no-fund'])) !== 0) process.exit(1)
  return require.resolve('tsx')
}

function list() {
  command.outputHelp()
  console.log(`\nQuestions: ${questions.join(', ')}`)
  console.log(`Programs: ${programs.join(', ')}`)
  console.log('report: writes docs/benchmarks.md from bench/results')
}

const unknown = names.filter((name) => ![...questions, ...programs, 'report'].includes(name))
if (unknown.length > 0) {
  console.error(`There is no question named ${unknown.join(', ')}.`)
  process.exitCode = 1
}
if (names.length === 0 || unknown.length > 0) list()
else {
  const failed = []
  for (const name of names) {
    if (programs.includes(name)) {
      const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
      const status = await run(process.execPath, [
        vitest,
        'run',
        '--config',
        'bench/vitest.config.ts',
        `bench/${name}.bench`,
      ])
      if (status !== 0) failed.push(name)
      continue
    }
    const loader = ['--import', pathToFileURL(await installPeers()).href]
    const mode = options.quick ? 'quick' : options.full ? 'full' : 'default'
    const args = ['--mode', mode, ...options.pgstash.flatMap((folder) => ['--pgstash', folder])]
    if (options.rounds) args.push('--rounds', options.rounds)
    if (options.entries) args.push('--entries', options.entries)
    const program = name === 'report' ? [join(HERE, 'report/report.ts'), ...(options.quick ? ['--quick'] : [])] : null
    const status = await run(process.execPath, [...loader, ...(program ?? [join(HERE, 'main.ts'), name, ...args])], {
      TSX_TSCONFIG_PATH: join(HERE, 'tsconfig.json'),
    })
    if (status !== 0) failed.push(name)
  }
  if (failed.length > 0) {
    console.error(`\nFailed: ${failed.join(', ')}`)
    process.exitCode = 1
  }
}
