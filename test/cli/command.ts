/** The `pgstash` command as it is published, as a process of its own: `npm test` builds it first. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { spawn as spawnInTerminal } from '@lydell/node-pty'
import { afterAll, expect, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

export const CLI = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

// Each process takes its time to start, on a busy machine a few seconds, and some tests start a dozen.
vi.setConfig({ testTimeout: 240_000 })

/** Nothing of the machine's own settings decides a test. */
function environment(variables: Record<string, string>): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, TERM: 'xterm-256color', ...variables }
}

/** Without `.env` files, which a developer's checkout may have. */
const EMPTY_FOLDER = mkdtempSync(join(tmpdir(), 'pgstash-cwd-'))
afterAll(() => rmSync(EMPTY_FOLDER, { recursive: true, force: true }))

/** The process itself, for its output byte by byte. */
export function spawnCommand(
  args: string[],
  variables: Record<string, string> = {},
  input?: string | Uint8Array,
  folder: string = EMPTY_FOLDER,
) {
  const child = spawn(process.execPath, [CLI, ...args], { env: environment(variables), cwd: folder })
  // One that ends early reads nothing more.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return child
}

export function start(
  args: string[],
  variables: Record<string, string> = {},
  input?: string | Uint8Array,
  folder: string = EMPTY_FOLDER,
) {
  const child = spawnCommand(args, variables, input, folder)
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said.err += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  cleanup(() => child.kill('SIGKILL'))
  return { child, said, ended }
}

export async function run(args: string[], variables?: Record<string, string>, input?: string, folder?: string) {
  const { said, ended } = start(args, variables, input, folder)
  return { code: await ended, ...said }
}

/**
 * Says with what the command ended, and stays: a terminal whose last process is gone may drop what was not read yet. The
 * trap is for Ctrl-C, which every process of the terminal gets.
 */
const STAYING = `trap : INT; "$@"; printf '\\n[ended with %d]' $?; while :; do read -r line; done`

/** The same in a pseudo-terminal, where a person would sit. */
export function inTerminal(args: string[], variables: Record<string, string> = {}) {
  const command = ['-c', STAYING, 'sh', process.execPath, CLI, ...args]
  const terminal = spawnInTerminal('/bin/sh', command, {
    env: environment(variables),
    cwd: EMPTY_FOLDER,
    cols: 100,
    rows: 40,
  })
  let raw = ''
  terminal.onData((chunk) => {
    raw += chunk
  })
  cleanup(() => terminal.kill('SIGKILL'))
  const text = () => stripVTControlCharacters(raw)
  const shows = (what: string | RegExp) => expect.poll(text, { timeout: 120_000 }).toMatch(what)
  return {
    /** All that was written, escapes included. */
    raw: () => raw,
    text: () => text().replace(/\r\n\[ended with \d+\]$/, ''),
    type: (keys: string) => terminal.write(keys),
    shows,
    async ended(): Promise<number> {
      await shows(/\[ended with \d+\]/)
      return Number(/\[ended with (\d+)\]/.exec(text())?.[1])
    },
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
