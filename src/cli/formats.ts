/** Phrases that several commands share. */
import { counted } from '../doctor/figures.ts'

export function entries(value: number): string {
  return counted(value, 'entry', 'entries')
}

/** The examples of a command, below its `--help`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`
}
