/** Writes DATABASE_URL into a settings file: `.dev.vars` (Workers), `.env.local` (Next) or `.env`. */
import { chmodSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { GENERATED_PASSWORD } from '../dev/stored-password.ts'
import { loopbackAddress } from '../local-neon/loopback.ts'
import { parseEnvFile } from './env-files.ts'
import { UserError } from './user-error.ts'

const NAME = 'DATABASE_URL'
/** The file holds a password. */
const FILE_MODE = 0o600

/**
 * An assignment, as dotenv reads it. Matches every name, so that a multi-line value is skipped as a whole, whatever it
 * contains.
 */
const ASSIGNMENT =
  /^([^\S\r\n]*(?:export[^\S\r\n]+)?)([\w.-]+)([^\S\r\n]*=[^\S\r\n]*)('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^#\r\n]*)/gm

/**
 * Refuses a file whose DATABASE_URL was not written by `pgstash dev`, because replacing it would lose a password for
 * good.
 *
 * @throws UserError, also if the file cannot be read
 */
export function checkSettingsFile(file: string): void {
  const current = parseEnvFile(readSettings(file))[NAME]
  if (!current || isOurs(current)) return
  throw new UserError(
    `Expected ${file} to have no DATABASE_URL, or one that pgstash dev wrote: yours would be lost. Comment it out, or choose another file.`,
  )
}

/**
 * Sets DATABASE_URL in the file, and makes the file private. All other lines stay as they are.
 *
 * @returns false if the file already had this value
 * @throws UserError if the file cannot be written
 */
export function writeSettings(file: string, url: string): boolean {
  checkSettingsFile(file)
  const before = readSettings(file)
  const after = withUrl(before, url)
  try {
    if (after === before) {
      chmodSync(file, FILE_MODE)
      return false
    }
    replaceFile(targetOf(file), after)
    return true
  } catch (error) {
    throw new UserError(`Expected ${file} to be a file that can be written (${(error as NodeJS.ErrnoException).code}).`)
  }
}

function withUrl(text: string, url: string): string {
  const replaced = text.replace(ASSIGNMENT, (...match) => {
    const [whole, start, name, equals, value, offset] = match as [string, string, string, string, string, number]
    if (name !== NAME) return whole
    // A comment after the value stays, and needs a space before it.
    const isCommented = text[offset + whole.length] === '#'
    return `${start}${name}${equals}${url}${/\s*$/.exec(value)?.[0] || (isCommented ? ' ' : '')}`
  })
  if (parseEnvFile(replaced)[NAME] === url) return replaced
  const end = text === '' || text.endsWith('\n') ? '' : '\n'
  return `${text}${end}${NAME}=${url}${text.includes('\r\n') ? '\r\n' : '\n'}`
}

/**
 * Returns true if the URL is from a local Neon, judged by its host and the form of its password. The folder that holds
 * the password may no longer exist.
 */
function isOurs(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { hostname, password } = new URL(url)
  return loopbackAddress(hostname) !== undefined && GENERATED_PASSWORD.test(password)
}

function readSettings(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return ''
    throw new UserError(`Expected ${file} to be a file that can be read (${code}).`)
  }
}

/**
 * In a monorepo, the file may be a link to a file in another folder. This resolves the link, so that the link stays.
 */
function targetOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return resolve(file)
  }
}

/** Replaces the file atomically. `next dev` and `wrangler dev` watch it, and must never read half of it. */
function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, text, { mode: FILE_MODE })
  renameSync(draft, path)
}
