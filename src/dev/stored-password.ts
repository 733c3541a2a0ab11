/** Stores the endpoint's password in the data folder, so that written settings stay valid. */

import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createExclusively } from './folder-lock.ts'
import { folderError } from './private-folder.ts'

const PASSWORD_FILE = '.pgstash.password'
const PASSWORD_BYTES = 24

/** Printable, and too long to guess. */
export const PASSWORD = /^[\x21-\x7e]{16,}$/

/** The form of passwords from `newPassword`: bytes as base64url. */
export const GENERATED_PASSWORD = /^[\w-]{32}$/

export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url')
}

/**
 * Returns the password of this folder. The first call creates it.
 *
 * @param folder a private folder, see `openPrivateFolder`
 * @throws LocalNeonError if the folder is not writable
 */
export async function storedPassword(folder: string): Promise<string> {
  const path = join(resolve(folder), PASSWORD_FILE)
  try {
    const stored = await readPassword(path)
    if (stored !== undefined) return stored
    // The file is missing, or was emptied or shortened.
    await rm(path, { force: true })
    await createExclusively(path, `${newPassword()}\n`)
    // Another process may have been faster, so the password in the file counts.
    return (await readPassword(path)) ?? newPassword()
  } catch (error) {
    throw folderError(folder, error)
  }
}

async function readPassword(path: string): Promise<string | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim()
  return PASSWORD.test(text) ? text : undefined
}
