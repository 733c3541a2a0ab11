/** The published `pgstash` command in a separate process. `npm test` builds it first. */
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

// Each process takes a while to start, on a busy machine a few seconds, and some tests start a dozen.
vi.setConfig({ testTimeout: 240_000 })

/** No settings of this machine affect a test. */
function environment(variables: Record<string, string>): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, TERM: 'xterm-256color', ...variables }
}

/** Runs in a folder without `.env` files, which a developer's checkout may have. */
const EMPTY_FOLDER = mkdtempSync(join(tmpdir(), 'pgstash-cwd-'))
afterAll(() => rmSync(EMPTY_FOLDER, { recursive: true, force: true }))

/** The process itself, for tests of its exact output. */
export function spawnCommand(
  args: string[],
  variables: Record<string, string> = {},
  input?: string | Uint8Array,
  folder: string = EMPTY_FOLDER,
) {
  const child = spawn(process.execPath, [CLI, ...args], { env: environment(variables), cwd: folder })
  // A command that ends early reads no more input.
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
 * Prints the exit code of the command, and stays alive: a terminal whose last process has ended may drop unread output.
 * The trap handles Ctrl-C, which every process of the terminal gets.
 */
const STAYING = `trap : INT; "$@"; printf '\\n[ended with %d]' $?; while :; do read -r line; done`

/** Runs the command in a pseudo-terminal, as a person would. */
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
    /** Everything that was written, including escape sequences. */
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

/** A new migrated database, and the environment variables for it. */
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
