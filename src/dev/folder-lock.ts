/**
 * Guards PGlite's folder: two processes that write one folder destroy it, and PGlite itself has no lock.
 *
 * The lock is a file next to the database's own, holding the process id and start time of its owner. A lock whose
 * owner is gone is taken over.
 */

import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LocalNeonError } from './local-neon-error.ts'
import { errorCode, folderError } from './private-folder.ts'

const LOCK_FILE = '.pgstash.lock'

/** Start times of one process, estimated twice, differ by less than this. */
const START_TOLERANCE_MS = 5_000

interface Owner {
  readonly pid: number
  readonly startedAt: number
  readonly token: string
}

/** Locks an existing folder; the returned function releases the lock. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(resolve(folder), LOCK_FILE)
  const owner: Owner = { pid: process.pid, startedAt: processStart(), token: randomUUID() }
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
  if (holder === undefined || isAlive(holder)) throw inUse(path, holder)
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
    const { pid, startedAt, token } = value as Partial<Owner>
    if (typeof pid === 'number' && typeof startedAt === 'number' && typeof token === 'string') {
      return { pid, startedAt, token }
    }
  } catch {
    // Gone, or not ours: the caller decides.
  }
  return undefined
}

function isAlive(owner: Owner): boolean {
  // In a container the id of a dead owner is often our own; then the start time tells us apart.
  if (owner.pid === process.pid) return Math.abs(owner.startedAt - processStart()) < START_TOLERANCE_MS
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

function processStart(): number {
  return Math.round(Date.now() - process.uptime() * 1_000)
}

function inUse(path: string, holder: Owner | undefined): LocalNeonError {
  const by = holder === undefined ? 'another process' : `process ${holder.pid}`
  return new LocalNeonError(
    `The data folder is in use by ${by}, and PGlite allows one process only. Stop it, or delete ${path} if it is gone.`,
  )
}
