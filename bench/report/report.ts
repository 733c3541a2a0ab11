/** Writes docs/benchmarks.md and its plots from bench/results. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../harness/checkout.ts'
import type { Environment } from '../harness/environment.ts'
import { loadResults, type Result } from '../harness/results.ts'
import { plot } from './plot.ts'
import { figureTable, losses, lossTable } from './tables.ts'

/** In this order; others follow by name. */
const ORDER = [
  ...['goals', 'hit', 'miss', 'set', 'get-many', 'set-many', 'one-tick', 'memory', 'responses', 'herd', 'counters'],
  ...['touch', 'tags', 'triggers', 'cleanup', 'growth', 'namespaces', 'churn', 'stats', 'capacity', 'bodies'],
]

const INTRODUCTION = `# Benchmarks

\`npm run bench -- --all\` measures, and \`npm run bench -- report\` writes this page from the results in \`bench/results\`. Do not edit it.
[bench/README.md](../bench/README.md) says how to run single questions and how to compare two versions.

In each round all providers run once, in a new random order. A figure is the median of the rounds. The small print has the quartiles. **Compare ratios,
not rates**: rates belong to the machine, which client and server share. × is the ratio to pgstash in the same round, unless the text names another
baseline. With rates, ×2 is twice as fast as pgstash; with times, it is twice as slow. – means that the provider cannot answer.`

function environmentTable({ packages, ...machine }: Environment): string {
  const versions = Object.entries(packages).map(([name, version]) => `\`${name} ${version}\``)
  const { cpu, cores, memoryGiB, system, node, postgres, postgresSettings, redis } = machine
  return [
    `| machine | ${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system} |`,
    '|---|---|',
    `| Node | ${node} |`,
    `| Postgres | ${postgres}, defaults except ${postgresSettings.map((setting) => `\`${setting}\``).join(', ')} |`,
    `| Redis | ${redis} |`,
    `| packages | ${versions.join(', ')} |`,
  ].join('\n')
}

function sameEnvironment(a: Environment, b: Environment): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

async function section(result: Result, main: Environment, imageFolder: string): Promise<string> {
  const parts = [`## ${result.title}`, result.about]
  if (!sameEnvironment(result.environment, main)) {
    parts.push(
      `Measured on ${result.measuredAt} elsewhere or with other versions:`,
      environmentTable(result.environment),
    )
  }
  for (const [i, figure] of result.figures.entries()) {
    parts.push(`### ${figure.title}`)
    if (figure.note) parts.push(figure.note)
    parts.push(figureTable(figure))
    const absent = Object.entries(figure.absent ?? {}).map(([name, why]) => `${name} (${why})`)
    if (absent.length > 0) parts.push(`Absent: ${absent.join(', ')}.`)
    const svg = figure.goals ? undefined : plot(figure)
    if (svg === undefined) continue
    const file = `${result.question}-${i + 1}.svg`
    await writeFile(join(imageFolder, file), `${svg}\n`)
    parts.push(`![${figure.title}: medians and quartiles of the rounds](benchmarks/${file})`)
  }
  return parts.join('\n\n')
}

function lossSection(results: readonly Result[]): string {
  const all = results.flatMap(({ figures }) => figures.flatMap(losses))
  return [
    '## Where pgstash loses',
    'All figures of this page in which another provider is better than pgstash by more than the quartiles of the rounds.',
    all.length === 0 ? 'None.' : lossTable(all),
  ].join('\n\n')
}

const isQuick = process.argv.includes('--quick')
const results = (await loadResults(isQuick)).sort((a, b) => place(a) - place(b) || a.question.localeCompare(b.question))

function place({ question }: Result): number {
  const index = ORDER.indexOf(question)
  return index < 0 ? ORDER.length : index
}

const [first] = results
if (first === undefined) {
  console.error('There are no results yet: run `npm run bench -- --all` first.')
  process.exit(1)
}
// A quick report is for looking at, so it stays out of the docs.
const folder = isQuick ? join(ROOT, 'bench/results/quick') : join(ROOT, 'docs')
const imageFolder = join(folder, 'benchmarks')
await rm(imageFolder, { recursive: true, force: true })
await mkdir(imageFolder, { recursive: true })
const sections: string[] = []
for (const result of results) sections.push(await section(result, first.environment, imageFolder))
const others = await readFile(fileURLToPath(new URL('./other-programs.md', import.meta.url)), 'utf8')
const [goals, ...rest] = first.question === 'goals' ? sections : ['', ...sections]
const minutes = Math.round(results.reduce((sum, { seconds }) => sum + seconds, 0) / 60)
const head = `${INTRODUCTION}\n\nMeasured on ${first.measuredAt} in ${minutes} minutes, ${first.rounds} rounds of each:`
const page = [head, environmentTable(first.environment), goals, lossSection(results), ...rest, others.trim()]
const file = join(folder, 'benchmarks.md')
await writeFile(file, `${page.filter((part) => part !== '').join('\n\n')}\n`)
console.log(`Wrote ${file} from ${results.length} results.`)
process.exit()
