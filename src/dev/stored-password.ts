/** The endpoint's password, kept in the data folder, so that settings written once stay valid. */

import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createExclusively } from './folder-lock.ts'
import { folderError } from './private-folder.ts'

const PASSWORD_FILE = '.pgstash.password'
const PASSWORD_BYTES = 24

/** Printable, and long enough that nobody guesses it. */
export const PASSWORD = /^[\x21-\x7e]{16,}$/

/** What `newPassword` makes: the bytes as base64url. */
export const GENERATED_PASSWORD = /^[\w-]{32}$/

export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url')
}

/**
 * The password of this folder; the first call creates it.
 *
 * @param folder a private folder, see `openPrivateFolder`
 * @throws LocalNeonError if the folder cannot be written to
 */
export async function storedPassword(folder: string): Promise<string> {
  const path = join(resolve(folder), PASSWORD_FILE)
  try {
    const stored = await readPassword(path)
    if (stored !== undefined) return stored
    // Somebody emptied or shortened it.
    await rm(path, { force: true })
    await createExclusively(path, `${newPassword()}\n`)
    // Another process may have been faster: the file decides.
    return (await readPassword(path)) ?? newPassword()
  } catch (error) {
    throw folderError(folder, error)
  }
}

async function readPassword(path: string): Promise<string | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim()
  return PASSWORD.test(text) ? text : undefined
}
