/** Processes as the operating system lists them, and `npm start` as a person runs it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cleanup } from '../setup/cleanup.ts'
import { ROOT, until } from './harness.ts'

/** Every process and its parent. */
function parents(): Map<number, number> {
  const found = new Map<number, number>()
  if (!existsSync('/proc/self/stat')) {
    for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')) {
      const [pid = 0, ppid = 0] = line.trim().split(/\s+/).map(Number)
      found.set(pid, ppid)
    }
    return found
  }
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      // After the name of the command, which may contain spaces and brackets: state, parent.
      const [state, ppid] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (state !== 'Z') found.set(Number(name), Number(ppid))
    } catch {
      // It ended meanwhile.
    }
  }
  return found
}

/** A process and all its descendants. */
export function family(pid: number): number[] {
  const all = parents()
  const members = [pid]
  for (const member of members) {
    for (const [child, parent] of all) if (parent === member) members.push(child)
  }
  return members
}

export function alive(pids: number[]): number[] {
  const all = parents()
  return pids.filter((pid) => all.has(pid))
}

/**
 * The service of wrangler's esbuild rarely prints this if its parent ends at that very moment. It exits without an
 * error.
 */
const ESBUILD_LEFT_ALONE = /fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [\s\S]*esbuild[\s\S]*$/

export interface Started {
  readonly child: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Ends with the process. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** Waits until the output shows what to try. */
  ready(): Promise<void>
}

/** Runs `node worker/start.mjs`, or another command, in a separate process group. */
export function start(args: string[], { env = {}, command = [process.execPath, 'worker/start.mjs'] } = {}): Started {
  const { DATABASE_URL: _, PORT: __, ...inherited } = process.env
  const [file = '', ...first] = command
  const child = spawn(file, [...first, ...args], {
    cwd: ROOT,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const pid = child.pid ?? 0
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  cleanup(() => {
    for (const member of alive(family(pid))) process.kill(member, 'SIGKILL')
  })
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  return {
    child,
    pid,
    stdout: () => stdout,
    stderr: () => stderr.replace(ESBUILD_LEFT_ALONE, ''),
    ended,
    async ready() {
      await until(() => stdout.includes('Ctrl-C ends') || hasEnded(), 'it says what to try', 180_000)
      if (hasEnded()) throw new Error(`It ended: ${stderr}`)
    },
  }
}
