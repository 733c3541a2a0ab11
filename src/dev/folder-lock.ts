/**
 * Guards PGlite's folder. Two processes that write one folder destroy it, and PGlite itself has no lock.
 *
 * The lock is a file in that folder, with the process id and start time of its owner. Another process takes the lock
 * over if the owner has ended, or if its id now belongs to a process that started at another time. If in doubt, the
 * lock counts as held, because a second writer would destroy the database.
 *
 * Rejected: a socket in the folder, which the system closes with its process. Folders mounted into containers often
 * allow no sockets.
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
  /**
   * The start of the process, by {@link processStart}. Missing in older locks, and if the system does not report it.
   */
  readonly start?: string
  readonly token: string
}

/** Locks an existing folder. The returned function releases the lock. */
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
  // Move the stale lock aside first. If two processes both found it stale, only one of them can rename it.
  const aside = `${path}.${owner.token}`
  await rename(path, aside).catch(() => undefined)
  const moved = await readOwner(aside)
  if (moved !== undefined && moved.token !== holder.token) {
    // The moved file is the fresh lock of a faster process, so move it back.
    await link(aside, path).catch(() => undefined)
    await rm(aside, { force: true })
    throw inUse(path, moved)
  }
  await rm(aside, { force: true })
  if (!(await createExclusively(path, content))) throw inUse(path, await readOwner(path))
}

/** Creates a private file with its whole content. Returns false if the file exists. */
export async function createExclusively(path: string, content: string): Promise<boolean> {
  // Writes a draft and links it into place, so that no process ever reads an empty file.
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
    // The file is missing or not a lock of ours. The caller decides what to do.
  }
  return undefined
}

async function isAlive({ pid, startedAt, start }: Owner): Promise<boolean> {
  const found = await processStart(pid)
  if (found === null) return false
  if (start !== undefined && found !== undefined) return found === start
  // In a container, this process often has the id of the dead owner. Then the estimate in an older lock distinguishes
  // them.
  return start !== undefined || pid !== process.pid || Math.abs(startedAt - estimatedStart()) < START_TOLERANCE_MS
}

function estimatedStart(): number {
  return Math.round(Date.now() - process.uptime() * 1_000)
}

function inUse(path: string, holder: Owner | undefined): LocalNeonError {
  const by = holder === undefined ? 'another process' : `process ${holder.pid}`
  return new LocalNeonError(
    `The data folder is in use by ${by}, and PGlite allows only one process. Stop that process. If it has already ended, delete ${path}.`,
  )
}
