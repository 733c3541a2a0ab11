/**
 * Tells a process from a later one with the same id, by when it started.
 *
 * A start is a text that only serves to be compared. Rejected: an instant of the wall clock that the process computes itself.
 * It changes when the clock is set, and when a laptop sleeps, so a living process would look like another.
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

/** States of a process that has ended and whose parent has not noticed. Containers often have no parent that does. */
const ENDED = new Set(['Z', 'X', 'x'])

/**
 * When a process started. Null if the process has ended, and undefined if this system does not tell.
 */
export async function processStart(pid: number): Promise<string | null | undefined> {
  if (!exists(pid)) return null
  if (process.platform === 'linux') return startOnLinux(pid)
  return process.platform === 'win32' ? undefined : startByPs(pid)
}

/** The start is in ticks since the boot, so it is told together with the boot. */
async function startOnLinux(pid: number): Promise<string | null | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile('/proc/sys/kernel/random/boot_id', 'latin1'),
    ])
    // The program's name may hold spaces and brackets.
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
    // Fixed locale and zone, because two processes may have different ones.
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
