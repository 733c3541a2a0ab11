/** The `pgstash` command as it is published, as a process of its own: `npm test` builds it first. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { spawn as spawnInTerminal } from '@lydell/node-pty'
import { expect } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

export const CLI = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

/** Nothing of the machine's own settings decides a test. */
function environment(variables: Record<string, string>): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, TERM: 'xterm-256color', ...variables }
}

export function start(args: string[], variables: Record<string, string> = {}, input?: string) {
  const child = spawn(process.execPath, [CLI, ...args], { env: environment(variables) })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said.err += chunk
  })
  // One that ends early reads nothing more.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  cleanup(() => child.kill('SIGKILL'))
  return { child, said, ended }
}

export async function run(args: string[], variables?: Record<string, string>, input?: string) {
  const { said, ended } = start(args, variables, input)
  return { code: await ended, ...said }
}

/** The same in a pseudo-terminal, where a person would sit. */
export function inTerminal(args: string[], variables: Record<string, string> = {}) {
  const terminal = spawnInTerminal(process.execPath, [CLI, ...args], {
    env: environment(variables),
    cols: 100,
    rows: 40,
  })
  let raw = ''
  let isOver = false
  terminal.onData((chunk) => {
    raw += chunk
  })
  const ended = new Promise<number>((resolve) =>
    terminal.onExit(({ exitCode }) => {
      isOver = true
      resolve(exitCode)
    }),
  )
  cleanup(() => {
    if (!isOver) terminal.kill('SIGKILL')
  })
  return {
    /** All that was written, escapes included. */
    raw: () => raw,
    text: () => stripVTControlCharacters(raw),
    type: (text: string) => terminal.write(text),
    shows: (text: string | RegExp) =>
      expect.poll(() => stripVTControlCharacters(raw), { timeout: 30_000 }).toMatch(text),
    ended,
  }
}

export type Way = 'over TCP' | 'over HTTP'
export const WAYS: Way[] = ['over TCP', 'over HTTP']

/** A migrated database of its own, and the variables that lead to it. */
export async function createSite(way: Way = 'over TCP') {
  const url = await createDatabase()
  const neon = way === 'over HTTP' ? await createNeon(url) : undefined
  const variables: Record<string, string> = neon
    ? { DATABASE_URL: neon.server.connectionString, NEON_FETCH_ENDPOINT: neon.server.endpoint }
    : { DATABASE_URL: url }
  expect((await run(['migrate'], variables)).code).toBe(0)
  return {
    url,
    variables,
    pgstash: (args: string[], input?: string) => run(args, variables, input),
  }
}
