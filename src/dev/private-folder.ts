/**
 * Keeps a data folder private to its owner: it holds a copy of the data, and the endpoint's password.
 *
 * PGlite itself leaves folders 0755 and files 0666, whatever the umask.
 */

import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LocalNeonError } from './local-neon-error.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** A data folder has one of these. Every database of Postgres has a `PG_VERSION`. */
const MARKS = ['PG_VERSION', '.pgstash.lock', '.pgstash.password']
const GIT_IGNORE = '.gitignore'
/** Files that may be in an otherwise empty folder: ours, and those that a desktop leaves in any folder it has shown. */
const HARMLESS = new Set([GIT_IGNORE, '.DS_Store', 'Thumbs.db', 'desktop.ini'])

/**
 * Creates the folder, or takes one that is empty or already a data folder, and removes the rights of all other users.
 *
 * @throws LocalNeonError if the folder cannot be written to, or holds other files: their rights must not change
 */
export async function openPrivateFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    const names = (await readdir(path)).filter((name) => !HARMLESS.has(name))
    if (names.length === 0) await ignoreInGit(path)
    else if (!names.some((name) => MARKS.includes(name) || isLockDraft(name))) {
      throw new LocalNeonError(
        `Expected the data folder to be empty, or one that pgstash has created, but it holds other files: ${folder}`,
      )
    }
  } catch (error) {
    throw folderError(folder, error)
  }
  await makePrivate(path)
}

/** Another process is about to take the folder. */
function isLockDraft(name: string): boolean {
  return name.startsWith('.pgstash.lock.')
}

/** Removes the rights of other users from the folder and everything in it. Best effort: some file systems have none. */
async function makePrivate(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  // The folder comes first: from then on nobody else can reach the files in it.
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

/** The error of a folder that cannot be used; a `LocalNeonError` stays as it is. */
export function folderError(folder: string, error: unknown): LocalNeonError {
  if (error instanceof LocalNeonError) return error
  return new LocalNeonError(
    `Expected the data folder to be one that can be written to (${errorCode(error)}): ${folder}`,
  )
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
