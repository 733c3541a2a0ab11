/**
 * Distinguishes a process from a later process with the same id, by its start.
 *
 * The start is a text that is only good for comparison. Rejected: a wall-clock instant that the process computes
 * itself. It changes when the clock is set and when a laptop sleeps, so a running process would look like another one.
 */

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** Bounds the wait for `ps`, which answers in milliseconds. */
const PS_TIMEOUT_MS = 2_000

/** Fields of `/proc/<pid>/stat` after the program's name, from which `man proc` counts 3. */
const STATE = 0
const START_TICKS = 19

/** States of a process that has ended but whose parent has not collected it. In containers, often no parent does. */
const ENDED = new Set(['Z', 'X', 'x'])

/**
 * Returns the start of a process. Null if the process has ended, and undefined if the system does not report it.
 */
export async function processStart(pid: number): Promise<string | null | undefined> {
  if (!exists(pid)) return null
  if (process.platform === 'linux') return startOnLinux(pid)
  return process.platform === 'win32' ? undefined : startByPs(pid)
}

/** The system reports the start in ticks since boot, so the text also contains the id of the boot. */
async function startOnLinux(pid: number): Promise<string | null | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile('/proc/sys/kernel/random/boot_id', 'latin1'),
    ])
    // The program's name may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (ENDED.has(fields[STATE] ?? '')) return null
    const ticks = fields[START_TICKS]
    return ticks === undefined ? undefined : `${boot.trim()} ${ticks}`
  } catch {
    return undefined
  }
}

async function startByPs(pid: number): Promise<string | undefined> {
  try {
    // Fixes locale and time zone, because two processes may have different ones.
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
    const { stdout } = await exec('ps', ['-o', 'lstart=', '-p', String(pid)], { env, timeout: PS_TIMEOUT_MS })
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
