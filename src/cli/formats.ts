/** Phrases that several commands share. */
import { counted } from '../doctor/figures.ts'

export function entries(value: number): string {
  return counted(value, 'entry', 'entries')
}

/** The examples of a command, below its `--help`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`
}

/** A name as a shell takes it for one word. */
export function shellWord(name: string): string {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}
