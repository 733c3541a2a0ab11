/** Finds the connection string in the program's environment. */
import { DatabaseError, describeType, InvalidOptionError } from '../../values/errors.ts'
import { isPostgresUrl } from './connection-string.ts'

/**
 * The variables, in order of preference. DATABASE_URL, the program's own, is first; nearly all platforms set it too.
 * POSTGRES_URL comes from Vercel's marketplace. Then come the variables of Netlify, Neon and Supabase, and the usual
 * name of a Hyperdrive binding.
 */
export const VARIABLES = [
  'DATABASE_URL',
  'POSTGRES_URL',
  'NETLIFY_DB_URL',
  'NETLIFY_DATABASE_URL',
  'NEON_DATABASE_URL',
  'SUPABASE_DB_URL',
  'HYPERDRIVE',
] as const

/**
 * Returns a function that finds the connection string, for every function of pgstash that takes a database.
 *
 * It takes the first of `DATABASE_URL`, `POSTGRES_URL`, `NETLIFY_DB_URL`, `NETLIFY_DATABASE_URL`, `NEON_DATABASE_URL`,
 * `SUPABASE_DB_URL` and `HYPERDRIVE` that holds a `postgresql://` URL. The function reads the variables at the first
 * statement, so a build needs none. If no variable is set, the call fails with a `DatabaseError` that lists them.
 *
 * @param env the variables: `env` of a Worker; default `process.env`
 * @throws InvalidOptionError
 * @example
 * await migrate(databaseFromEnv())
 */
export function databaseFromEnv(env?: object): () => string {
  if (env !== undefined && (typeof env !== 'object' || env === null)) {
    throw new InvalidOptionError(`Expected env to be an object of variables, got ${describeType(env)}.`)
  }
  return () => {
    const found = findVariable(env ?? processEnv())
    if (found !== undefined) return found.value
    throw new DatabaseError(
      `Expected one of these variables to hold a postgresql:// URL: ${VARIABLES.join(', ')}. On Workers, pass env.`,
      { sent: false },
    )
  }
}

/**
 * Finds the first variable with a Postgres URL. `DATABASE_URL` may name a database of another kind, or a proxy of
 * Prisma.
 */
export function findVariable(env: object): { readonly name: string; readonly value: string } | undefined {
  for (const name of VARIABLES) {
    const value: unknown = Reflect.get(env, name)
    // A binding is an object.
    const text: unknown = typeof value === 'string' ? value : Reflect.get(Object(value), 'connectionString')
    if (typeof text === 'string' && isPostgresUrl(text)) return { name, value: text }
  }
  return undefined
}

function processEnv(): object {
  const { env } = Object(Reflect.get(globalThis, 'process'))
  return Object(env)
}
