/** Runs a TypeScript file in a new process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { cleanup } from './cleanup.ts'

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

export interface Script {
  readonly child: ChildProcess
  /** All output so far. */
  readonly output: string
  /** Resolves with the exit code; null after a signal. */
  readonly ended: Promise<number | null>
}

/** @returns starts the script with these arguments */
export async function buildScript(path: URL): Promise<(...args: string[]) => Script> {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-script-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  const script = join(folder, 'script.cjs')
  await build({
    entryPoints: [fileURLToPath(path)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    external: ['pg-native'],
    alias: {
      '#tcp': source('postgres/connections/tcp.ts'),
      pgstash: source('index.ts'),
      'pgstash/migrate': source('migrate/index.ts'),
    },
  })
  return (...args) => {
    const child = spawn(process.execPath, [script, ...args])
    cleanup(() => child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    return {
      child,
      get output() {
        return output
      },
      ended,
    }
  }
}
