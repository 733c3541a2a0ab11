/**
 * Keeps a data folder private to its owner, because it holds a copy of the data and the endpoint's password.
 *
 * PGlite itself leaves folders 0755 and files 0666, whatever the umask.
 */

import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LocalNeonError } from './local-neon-error.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** A data folder contains one of these files. Every database of Postgres has a `PG_VERSION`. */
const MARKS = ['PG_VERSION', '.pgstash.lock', '.pgstash.password']
const GIT_IGNORE = '.gitignore'
/**
 * Files that may be in an otherwise empty folder: our own, and files that a desktop adds to any folder that it shows.
 */
const HARMLESS = new Set([GIT_IGNORE, '.DS_Store', 'Thumbs.db', 'desktop.ini'])

/**
 * Creates the folder, or opens a folder that is empty or already a data folder. Removes the rights of all other users.
 *
 * @throws LocalNeonError if the folder is not writable, or holds other files, whose rights must not change
 */
export async function openPrivateFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    const names = (await readdir(path)).filter((name) => !HARMLESS.has(name))
    if (names.length === 0) await ignoreInGit(path)
    else if (!names.some((name) => MARKS.includes(name) || isLockDraft(name))) {
      throw new LocalNeonError(
        `Expected the data folder to be empty, or created by pgstash, but it holds other files: ${folder}`,
      )
    }
  } catch (error) {
    throw folderError(folder, error)
  }
  await makePrivate(path)
}

/** True for the draft of a lock: another process is about to take the folder. */
function isLockDraft(name: string): boolean {
  return name.startsWith('.pgstash.lock.')
}

/**
 * Removes the rights of other users from the folder and everything in it. Ignores errors: some file systems have no
 * rights.
 */
async function makePrivate(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  // The folder comes first, because other users cannot reach its files from then on.
  await chmod(folder, FOLDER_MODE).catch(() => undefined)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  // `chmod` follows links, and their targets are not ours.
  const own = entries.filter((entry) => entry.isFile() || entry.isDirectory())
  await Promise.all(
    own.map((entry) =>
      chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? FOLDER_MODE : FILE_MODE).catch(() => undefined),
    ),
  )
}

/** Keeps the data and the password out of the repository that the folder may be in. */
async function ignoreInGit(folder: string): Promise<void> {
  await writeFile(join(folder, GIT_IGNORE), '*\n', { flag: 'wx', mode: FILE_MODE }).catch((error) => {
    if (errorCode(error) !== 'EEXIST') throw error
  })
}

/** Returns the error for an unusable folder. A `LocalNeonError` stays as it is. */
export function folderError(folder: string, error: unknown): LocalNeonError {
  if (error instanceof LocalNeonError) return error
  return new LocalNeonError(`Expected the data folder to be a writable folder (${errorCode(error)}): ${folder}`)
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
