/**
 * Guards PGlite's folder: two processes that write one folder destroy it, and PGlite itself has no lock.
 *
 * The lock is a file next to the database's own, holding the process id and start time of its owner. A lock whose owner is
 * gone is taken over: its process ended, or its id now belongs to a process that started at another time. A lock in doubt
 * counts as held, because a second writer would destroy the database.
 *
 * Rejected: a socket in the folder, which the system closes with its process. Mounted folders of containers often allow none.
 */

import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LocalNeonError } from './local-neon-error.ts'
import { errorCode, folderError } from './private-folder.ts'
import { processStart } from './process-start.ts'

const LOCK_FILE = '.pgstash.lock'

/** Start times of one process, as locks of earlier versions estimate them, differ by less than this. */
const START_TOLERANCE_MS = 5_000

interface Owner {
  readonly pid: number
  /** An estimate in Unix milliseconds, which earlier versions compare. */
  readonly startedAt: number
  /** When the process started, by {@link processStart}. Missing if the system does not tell, and in older locks. */
  readonly start?: string
  readonly token: string
}

/** Locks an existing folder; the returned function releases the lock. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(resolve(folder), LOCK_FILE)
  const start = await processStart(process.pid)
  const owner: Owner = { pid: process.pid, startedAt: estimatedStart(), ...(start && { start }), token: randomUUID() }
  try {
    await acquire(path, owner)
  } catch (error) {
    throw folderError(folder, error)
  }
  return async () => {
    const current = await readOwner(path)
    if (current?.token === owner.token) await rm(path, { force: true })
  }
}

async function acquire(path: string, owner: Owner): Promise<void> {
  const content = JSON.stringify(owner)
  if (await createExclusively(path, content)) return
  const holder = await readOwner(path)
  if (holder === undefined || (await isAlive(holder))) throw inUse(path, holder)
  // Move the stale lock aside first: of two processes that both found it stale, only one can rename it.
  const aside = `${path}.${owner.token}`
  await rename(path, aside).catch(() => undefined)
  const moved = await readOwner(aside)
  if (moved !== undefined && moved.token !== holder.token) {
    // What we moved is the fresh lock of a faster process: give it back.
    await link(aside, path).catch(() => undefined)
    await rm(aside, { force: true })
    throw inUse(path, moved)
  }
  await rm(aside, { force: true })
  if (!(await createExclusively(path, content))) throw inUse(path, await readOwner(path))
}

/** Creates a private file with its whole content; false if it exists. */
export async function createExclusively(path: string, content: string): Promise<boolean> {
  // Written aside and linked into place, so that nobody ever reads a file that is still empty.
  const draft = `${path}.${randomUUID()}`
  try {
    await writeFile(draft, content, { flag: 'wx', mode: 0o600 })
    await link(draft, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    const { pid, startedAt, start, token } = value as Partial<Owner>
    if (Number.isInteger(pid) && typeof startedAt === 'number' && typeof token === 'string') {
      return { pid: Number(pid), startedAt, ...(typeof start === 'string' && { start }), token }
    }
  } catch {
    // Gone, or not ours: the caller decides.
  }
  return undefined
}

async function isAlive({ pid, startedAt, start }: Owner): Promise<boolean> {
  const found = await processStart(pid)
  if (found === null) return false
  if (start !== undefined && found !== undefined) return found === start
  // In a container the id of a dead owner is often our own. Then the estimate of an older lock tells the two apart.
  return start !== undefined || pid !== process.pid || Math.abs(startedAt - estimatedStart()) < START_TOLERANCE_MS
}

function estimatedStart(): number {
  return Math.round(Date.now() - process.uptime() * 1_000)
}

function inUse(path: string, holder: Owner | undefined): LocalNeonError {
  const by = holder === undefined ? 'another process' : `process ${holder.pid}`
  return new LocalNeonError(
    `The data folder is in use by ${by}, and PGlite allows one process only. Stop it, or delete ${path} if it is gone.`,
  )
}
