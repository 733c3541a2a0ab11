/** The files of bench/results. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Environment } from './environment.ts'
import type { Figure } from './question.ts'
import type { Mode } from './settings.ts'

const FOLDER = fileURLToPath(new URL('../results/', import.meta.url))

export interface Result {
  readonly question: string
  readonly title: string
  readonly about: string
  readonly mode: Mode
  readonly rounds: number
  readonly measuredAt: string
  readonly seconds: number
  readonly environment: Environment
  readonly figures: readonly Figure[]
}

/** Five digits are more than any round is exact to, and keep the files small. */
const round = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)

/** Quick runs prove that the harness works, so they never replace a published result. */
export async function saveResult(result: Result): Promise<string> {
  const folder = result.mode === 'quick' ? `${FOLDER}quick/` : FOLDER
  await mkdir(folder, { recursive: true })
  const file = `${folder}${result.question}.json`
  await writeFile(file, `${JSON.stringify(result, round, 1)}\n`)
  return file
}

export async function loadResults(isQuick: boolean): Promise<Result[]> {
  const folder = isQuick ? `${FOLDER}quick/` : FOLDER
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.json'))
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(folder + file, 'utf8')) as Result))
}
