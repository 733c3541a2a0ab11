/** Runs one question in this process, which run.mjs starts. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { openBench } from './harness/bench.ts'
import { loadCheckouts, ROOT } from './harness/checkout.ts'
import { environment } from './harness/environment.ts'
import { printFigure } from './harness/format.ts'
import type { Question } from './harness/question.ts'
import { saveResult } from './harness/results.ts'
import { type Mode, settingsOf } from './harness/settings.ts'

/** Tells run.mjs not to go on with the next question. */
const INTERRUPTED = 130

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mode: { type: 'string', default: 'default' },
    pgstash: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    entries: { type: 'string' },
  },
})
const name = positionals[0] as string
const { default: question } = (await import(new URL(`./questions/${name}.ts`, import.meta.url).href)) as {
  default: Question
}
const mode = values.mode as Mode
const settings = settingsOf(mode, {
  ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
  ...(values.entries !== undefined && { entries: values.entries.split(',').map(Number) }),
})
const checkouts = await loadCheckouts(values.pgstash)
const startedAt = performance.now()
const bench = await openBench(settings, checkouts)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void close(INTERRUPTED))
}
try {
  console.log(`\n${name}: ${question.title}`)
  const figures = await question.run(bench)
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  for (const figure of figures) console.log(printFigure(figure))
  const { title, about } = question
  const file = await saveResult({
    question: name,
    title,
    about: about.replaceAll(/\s+/g, ' ').trim(),
    mode,
    rounds: settings.rounds,
    measuredAt: new Date().toISOString().slice(0, 10),
    seconds,
    environment: await environment(await bench.createDatabase(), checkouts),
    figures,
  })
  console.log(`\n  ${seconds} s, written to ${relative(ROOT, file)}`)
} catch (error) {
  console.error(error)
  await close(1)
}
await close(0)

async function close(code: number): Promise<void> {
  // Some peers keep connections that complain when the server stops.
  process.on('uncaughtException', () => {})
  process.on('unhandledRejection', () => {})
  await bench.close()
  process.exit(code)
}
