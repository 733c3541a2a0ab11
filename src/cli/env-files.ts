/** Settings from `.env` files, for commands that talk to a database. */
import { readFileSync } from 'node:fs'
import { parse } from 'dotenv'
import { findVariable } from '../postgres/connections/from-env.ts'
import { note } from './output.ts'
import { UserError } from './user-error.ts'

/**
 * The first file that has a variable wins. Local files come first, because `next dev` and `wrangler dev` use them. To
 * reach production, pass `--dotenv` or set the variable in the environment.
 */
export const ENV_FILES = ['.env.local', '.dev.vars', '.env'] as const

const DATABASE = 'DATABASE_URL'
/** Belongs to the `DATABASE_URL` in the same place. With any other one, the password would go to the wrong endpoint. */
const ENDPOINT = 'NEON_FETCH_ENDPOINT'

/**
 * Adds the variables of the files to the environment. A variable that is already set keeps its value, even an empty
 * one.
 *
 * @param chosen the file of `--dotenv`, which replaces the files of the current folder
 * @throws UserError if the chosen file cannot be read
 */
export function loadEnvFiles(chosen?: string): void {
  for (const file of chosen === undefined ? ENV_FILES : [chosen]) {
    const text = readEnvFile(file, chosen !== undefined)
    if (text !== undefined) addVariables(file, parseEnvFile(text))
  }
}

/** Follows dotenv's rules, as Next, wrangler and most tools do: quotes, `export`, comments, multi-line values. */
export function parseEnvFile(text: string): Record<string, string> {
  return parse(text.replace(/^\uFEFF/, ''))
}

function addVariables(file: string, found: Record<string, string>): void {
  const { env } = process
  const hadDatabase = env[DATABASE] !== undefined
  const before = databaseVariable()
  for (const [name, value] of Object.entries(found)) {
    if (Object.hasOwn(env, name) || (name === ENDPOINT && hadDatabase)) continue
    env[name] = expandVariables(value, found)
  }
  const after = databaseVariable()
  // A person should see which database the command uses. A script would have to filter this line out.
  if (after !== before && process.stderr.isTTY) note(`Using ${after} from ${file}.`)
}

function databaseVariable(): string | undefined {
  return findVariable(process.env)?.name ?? (process.env[DATABASE] ? DATABASE : undefined)
}

/** Expands `${NAME}`, as Next and wrangler do. A bare `$` stays, because it is more often part of a password. */
function expandVariables(value: string, found: Record<string, string>): string {
  const set = [process.env, found]
  return value.replace(/\$\{(\w+)\}/g, (_, name: string) => set.find((each) => Object.hasOwn(each, name))?.[name] ?? '')
}

function readEnvFile(file: string, isRequired: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Some projects have a folder of this name. A file that exists but cannot be read is an error.
    const isAbsent = code === 'ENOENT' || code === 'EISDIR'
    if (isAbsent && !isRequired) return undefined
    throw new UserError(`Expected ${file} to be a file that can be read (${code}).`)
  }
}
